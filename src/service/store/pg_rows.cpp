#include "pg_rows.h"

#include <algorithm>

#include "fortium/schema/sql.h"

namespace fortium::service {

using metrics::Event;
using metrics::Figures;
using metrics::Kind;
using metrics::Slice;
using metrics::SliceKey;

namespace {

constexpr std::string_view kLineKey = "session_id, day, kind, device_id";
constexpr std::string_view kSliceKey = "hour, kind, name, session_id, user_id, project, source";
constexpr std::string_view kFigures[] = {"count",
                                         "success",
                                         "error",
                                         "timeout",
                                         "cancelled",
                                         "timed",
                                         "total_us",
                                         "min_us",
                                         "max_us",
                                         "durations",
                                         "input_tokens",
                                         "output_tokens",
                                         "cache_read_tokens",
                                         "cache_creation_tokens",
                                         "priced",
                                         "cost_nano_usd",
                                         "minutes",
                                         "first",
                                         "last"};
constexpr std::size_t kDurations = 9;
constexpr int kKeyColumns = 7;

PgType type_of(const schema::Field& field) {
  const std::string_view type = schema::column_type(field, schema::kPostgres);
  if (type == schema::kPostgres.integer) return PgType::integer;
  return type == schema::kPostgres.real ? PgType::real : PgType::text;
}

// "$1, $2, $3"
std::string marks(std::size_t count) {
  std::string out;
  for (std::size_t i = 1; i <= count; ++i) out += (i == 1 ? "$" : ", $") + std::to_string(i);
  return out;
}

std::string figure_columns() {
  std::string out;
  for (const std::string_view column : kFigures) out += ", " + std::string(column);
  return out;
}

std::vector<PgParam> params_of(const std::vector<PgArray>& columns) {
  std::vector<PgParam> params;
  for (const PgArray& column : columns) params.push_back(column.param());
  return params;
}

std::vector<PgArray> line_keys(const Lines& lines) {
  std::vector<PgArray> columns(4, PgArray(PgType::text));
  for (const auto& [key, line] : lines) {
    columns[0].add(key.session_id);
    columns[1].add(key.day);
    columns[2].add(metrics::kinds()[key.kind].name);
    columns[3].add(key.device_id);
  }
  return columns;
}

std::vector<PgArray> slice_keys(const Slices& slices) {
  std::vector<PgArray> columns(kKeyColumns, PgArray(PgType::text));
  columns[0] = PgArray(PgType::integer);
  for (const auto& [key, figures] : slices) {
    columns[0].add(key.hour);
    columns[1].add(metrics::kinds()[key.kind].name);
    std::size_t column = 2;
    for (const std::string* text : {&key.name, &key.session_id, &key.user_id, &key.project, &key.source})
      columns[column++].add(*text);
  }
  return columns;
}

// In the order of kFigures, but for the durations.
std::vector<std::int64_t> numbers_of(const Figures& of) {
  return {of.count,
          of.by_status[0],
          of.by_status[1],
          of.by_status[2],
          of.by_status[3],
          of.timed,
          of.total_us,
          of.min_us,
          of.max_us,
          of.input_tokens,
          of.output_tokens,
          of.cache_read_tokens,
          of.cache_creation_tokens,
          of.priced,
          of.cost_nano_usd,
          static_cast<std::int64_t>(of.minutes),
          to_ms(of.first),
          to_ms(of.last)};
}

Result<void> read_figures(const PgRows& rows, int row, Figures& into) {
  std::int64_t minutes = 0, first = 0, last = 0;
  int column = kKeyColumns;
  FM_TRY(into.durations, metrics::Durations::from_bytes(rows.text(row, column + static_cast<int>(kDurations))));
  for (std::int64_t* number :
       {&into.count, &into.by_status[0], &into.by_status[1], &into.by_status[2], &into.by_status[3], &into.timed,
        &into.total_us, &into.min_us, &into.max_us, static_cast<std::int64_t*>(nullptr), &into.input_tokens,
        &into.output_tokens, &into.cache_read_tokens, &into.cache_creation_tokens, &into.priced, &into.cost_nano_usd,
        &minutes, &first, &last}) {
    if (number != nullptr) *number = rows.integer(row, column);
    ++column;
  }
  if (into.durations.count() != into.timed) return Error{Errc::corrupt, "a slice has figures that make no sense"};
  into.minutes = static_cast<std::uint64_t>(minutes);
  into.first = from_ms(first);
  into.last = from_ms(last);
  return {};
}

}  // namespace

PgQuery select_events(const std::string& place, const Kind& kind, std::span<const std::string_view> ids) {
  PgArray all(PgType::text);
  for (const std::string_view id : ids) all.add(id);
  return {schema::select_from(place + "." + std::string(kind.name), kind.shape) + " WHERE id = ANY($1)", {all.param()}};
}

PgQuery insert_events(const std::string& place, const Kind& kind, std::span<const Event* const> events) {
  std::vector<PgArray> columns;
  for (std::size_t i = 0; i < kind.shape.size(); ++i) {
    PgArray& column = columns.emplace_back(type_of(kind.shape[i]));
    for (const Event* event : events) column.add_value(event->row[i]);
  }
  return {"INSERT INTO " + place + "." + std::string(kind.name) + " (" + schema::columns_of(kind.shape) +
              ") SELECT * FROM unnest(" + marks(columns.size()) + ")",
          params_of(columns)};
}

PgQuery insert_rows(const std::string& place, const Table& table, std::span<const schema::Row> rows) {
  constexpr PgType kTypes[] = {PgType::integer, PgType::real, PgType::text, PgType::bytes};  // as Column::Type
  std::vector<PgArray> columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    PgArray& column = columns.emplace_back(kTypes[static_cast<std::size_t>(table.columns[i].type)]);
    for (const schema::Row& row : rows) column.add_value(row[i]);
  }
  return {"INSERT INTO " + place + "." + table.name + " (" + columns_of(table) + ") SELECT * FROM unnest(" +
              marks(columns.size()) + ")",
          params_of(columns)};
}

Event event_of(const PgRows& rows, int row, const Kind& kind) {
  Event event{&kind, schema::Row(kind.shape.size())};
  for (std::size_t i = 0; i < event.row.size(); ++i) event.row[i] = rows.value(row, static_cast<int>(i));
  return event;
}

PgQuery select_lines(const std::string& place, const Lines& keys) {
  return {"SELECT " + std::string(kLineKey) + ", count, digest, last FROM unnest(" + marks(4) + ") AS k (" +
              std::string(kLineKey) + ") JOIN " + place + ".ledger USING (" + std::string(kLineKey) + ")",
          params_of(line_keys(keys))};
}

PgQuery upsert_lines(const std::string& place, const Lines& lines) {
  std::vector<PgArray> columns = line_keys(lines);
  PgArray counts(PgType::integer), digests(PgType::text), lasts(PgType::integer);
  for (const auto& [key, line] : lines) {
    counts.add(line.count);
    digests.add(line.digest.hex());
    lasts.add(line.last);
  }
  for (PgArray* column : {&counts, &digests, &lasts}) columns.push_back(std::move(*column));
  return {"INSERT INTO " + place + ".ledger (" + std::string(kLineKey) +
              ", count, digest, last) SELECT * FROM unnest(" + marks(7) + ") ON CONFLICT (" + std::string(kLineKey) +
              ") DO UPDATE SET count = excluded.count, digest = excluded.digest, last = excluded.last",
          params_of(columns)};
}

void read_lines(const PgRows& rows, Lines& into) {
  for (int row = 0; row < rows.size(); ++row)
    if (const Kind* kind = metrics::find_kind(rows.text(row, 2)); kind != nullptr)
      into[{std::string(rows.text(row, 0)), std::string(rows.text(row, 1)), metrics::index_of(*kind),
            std::string(rows.text(row, 3))}] = {rows.integer(row, 4), LedgerDigest::from_hex(rows.text(row, 5)),
                                                rows.integer(row, 6)};
}

PgQuery select_slices(const std::string& place, const Slices& keys) {
  return {"SELECT " + std::string(kSliceKey) + figure_columns() + " FROM unnest(" + marks(kKeyColumns) + ") AS k (" +
              std::string(kSliceKey) + ") JOIN " + place + ".slice USING (" + std::string(kSliceKey) + ")",
          params_of(slice_keys(keys))};
}

PgQuery upsert_slices(const std::string& place, const Slices& slices) {
  std::vector<PgArray> columns = slice_keys(slices);
  for (std::size_t i = 0; i < std::size(kFigures); ++i)
    columns.emplace_back(i == kDurations ? PgType::bytes : PgType::integer);
  for (const auto& [key, figures] : slices) {
    std::size_t column = kKeyColumns;
    for (const std::int64_t number : numbers_of(figures)) {
      if (column == kKeyColumns + kDurations) columns[column++].add(figures.durations.bytes());
      columns[column++].add(number);
    }
  }
  std::string set;
  for (const std::string_view column : kFigures)
    set += (set.empty() ? "" : ", ") + std::string(column) + " = excluded." + std::string(column);
  return {"INSERT INTO " + place + ".slice (" + std::string(kSliceKey) + figure_columns() + ") SELECT * FROM unnest(" +
              marks(columns.size()) + ") ON CONFLICT (" + std::string(kSliceKey) + ") DO UPDATE SET " + set,
          params_of(columns)};
}

Result<bool> read_slice(const PgRows& rows, int row, Slice& into) {
  const Kind* kind = metrics::find_kind(rows.text(row, 1));
  if (kind == nullptr) return false;
  into.key.hour = rows.integer(row, 0);
  into.key.kind = metrics::index_of(*kind);
  int column = 2;
  for (std::string* text :
       {&into.key.name, &into.key.session_id, &into.key.user_id, &into.key.project, &into.key.source})
    *text = rows.text(row, column++);
  FM_TRY_(read_figures(rows, row, into.figures));
  return true;
}

Result<bool> each_slice(Pg& pg, const std::string& place, std::int64_t from, std::int64_t until, const Kind* kind,
                        const metrics::TakeSlice& take) {
  Slice slice;  // one for all: its texts keep their room
  return pg.each("SELECT " + std::string(kSliceKey) + figure_columns() + " FROM " + place +
                     ".slice WHERE hour >= $1 AND hour < $2 AND ($3 = '' OR kind = $3) ORDER BY " +
                     std::string(kSliceKey),
                 {param(from), param(until), param(kind != nullptr ? kind->name : std::string_view())},
                 [&](const PgRows& rows, int row) -> Result<bool> {
                   FM_TRY(const bool known, read_slice(rows, row, slice));
                   return !known || take(slice);
                 });
}

Result<void> each_event(Pg& pg, const std::string& place, const Kind& kind, const metrics::Period& period,
                        std::string_view session, const std::optional<Snapshot::After>& after,
                        const metrics::TakeEvent& take) {
  const Snapshot::After from = after.value_or(Snapshot::After{period.since - Millis(1), ""});
  FM_TRY_(pg.each(schema::select_from(place + "." + std::string(kind.name), kind.shape) +
                      " WHERE timestamp >= $1 AND timestamp < $2 AND ($3 = '' OR session_id = $3) "
                      "AND (timestamp, id) > ($4, $5) ORDER BY timestamp, id",
                  {param(to_ms(std::max(period.since, from.timestamp))), param(to_ms(period.until)), param(session),
                   param(to_ms(from.timestamp)), param(from.id)},
                  [&](const PgRows& rows, int row) -> Result<bool> { return take(event_of(rows, row, kind)); }));
  return {};
}

}  // namespace fortium::service
