#include "pg_reader.h"

#include <bit>

#include "pg_rows.h"
#include "pg_tables.h"
#include "service/limits.h"

namespace fortium::service {

using metrics::Kind;
using metrics::Period;

namespace {

std::string name_column(const Kind& kind) { return std::string(kind.shape[metrics::kEnvelopeSize].name); }

constexpr std::string_view kInPeriod = " WHERE timestamp >= $1 AND timestamp < $2";

Result<WallTime> begin_of(std::string_view day) { return parse_rfc3339(std::string(day) + "T00:00:00Z"); }

}  // namespace

Result<void> PgReader::at_one_moment(const std::function<Result<void>()>& work) {
  if (pg_.in_transaction()) return work();
  return pg_.transaction(begin_in(place_, Work::read), work);
}

Result<PgRows> PgReader::look(std::string sql, std::vector<PgParam> params) {
  PgRows rows;
  FM_TRY_(at_one_moment([&]() -> Result<void> {
    FM_TRY(rows, pg_.run(std::move(sql), std::move(params)));
    return {};
  }));
  return rows;
}

Result<bool> PgReader::each_slice(std::int64_t from, std::int64_t until, const metrics::Wanted& wanted,
                                  const metrics::TakeSlice& take) {
  const Kind* kind = nullptr;  // all of them, unless it is one that is wanted
  if (std::has_single_bit(wanted.kinds))
    kind = &metrics::kinds()[static_cast<std::size_t>(std::countr_zero(wanted.kinds))];
  return service::each_slice(pg_, place_, from, until, kind, take);
}

Result<void> PgReader::each_record(const Kind& kind, const Period& period, std::string_view session,
                                   const metrics::TakeEvent& take) {
  return each_event(pg_, place_, kind, period, session, std::nullopt, take);
}

Result<std::optional<WallTime>> PgReader::first_record(const Period& period) {
  std::string all;
  for (const Kind& kind : metrics::kinds())
    all += (all.empty() ? "SELECT min(timestamp) AS first FROM " : " UNION ALL SELECT min(timestamp) FROM ") +
           table(kind) + std::string(kInPeriod);
  FM_TRY(const PgRows rows, pg_.run("SELECT min(first) FROM (" + all + ") AS firsts",
                                    {param(to_ms(period.since)), param(to_ms(period.until))}));
  if (rows.is_null(0, 0)) return std::optional<WallTime>();
  return std::optional(from_ms(rows.integer(0, 0)));
}

Result<Period> PgReader::days_of(std::string_view session) {
  FM_TRY(const PgRows rows,
         pg_.run("SELECT min(day), max(day) FROM " + place_ + ".ledger WHERE session_id = $1", {param(session)}));
  if (rows.is_null(0, 0)) return Period{};
  FM_TRY(const WallTime first, begin_of(rows.text(0, 0)));
  FM_TRY(const WallTime last, begin_of(rows.text(0, 1)));
  return Period{first, last + std::chrono::days(1)};
}

Result<std::vector<metrics::Recent>> PgReader::recent(const Kind& kind, const Period& period, std::string_view session,
                                                      std::int64_t limit) {
  FM_TRY(const PgRows rows,
         look("SELECT " + name_column(kind) + ", execution_time_ms, status, timestamp FROM " + table(kind) +
                  std::string(kInPeriod) + " AND ($3 = '' OR session_id = $3) ORDER BY timestamp DESC LIMIT $4",
              {param(to_ms(period.since)), param(to_ms(period.until)), param(session), param(limit)}));
  std::vector<metrics::Recent> out;
  out.reserve(static_cast<std::size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row)
    out.push_back({std::string(rows.text(row, 0)), rows.is_null(row, 1) ? 0 : rows.real(row, 1),
                   std::string(rows.text(row, 2)), from_ms(rows.integer(row, 3))});
  return out;
}

Result<std::optional<double>> PgReader::average_metric(std::string_view type, const Period& period) {
  FM_TRY(const PgRows rows, look("SELECT avg(value) FROM " + place_ + ".productivity_metric" + std::string(kInPeriod) +
                                     " AND metric_type = $3",
                                 {param(to_ms(period.since)), param(to_ms(period.until)), param(type)}));
  if (rows.is_null(0, 0)) return std::optional<double>();
  return std::optional(rows.real(0, 0));
}

Result<std::vector<std::string>> PgReader::words_of_records(std::string_view field,
                                                            const std::vector<const Kind*>& kinds, const Period& period,
                                                            std::int64_t limit) {
  std::string all;
  for (const Kind* kind : kinds)
    all += (all.empty() ? "SELECT " : " UNION ALL SELECT ") + std::string(field) + " AS word, timestamp FROM " +
           table(*kind) + std::string(kInPeriod);
  FM_TRY(const PgRows rows,
         pg_.run("SELECT word FROM (" + all +
                     ") AS words WHERE word <> '' GROUP BY word ORDER BY max(timestamp) DESC, word LIMIT $3",
                 {param(to_ms(period.since)), param(to_ms(period.until)), param(limit)}));
  std::vector<std::string> out;
  out.reserve(static_cast<std::size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row) out.emplace_back(rows.text(row, 0));
  return out;
}

Result<std::vector<std::int64_t>> PgReader::counts() {
  std::vector<std::int64_t> counts(metrics::kinds().size());
  FM_TRY(const PgRows rows, look("SELECT kind, sum(count)::bigint FROM " + place_ + ".ledger GROUP BY kind", {}));
  for (int row = 0; row < rows.size(); ++row)
    if (const Kind* kind = metrics::find_kind(rows.text(row, 0)))
      counts[metrics::index_of(*kind)] = rows.integer(row, 1);
  return counts;
}

Result<std::vector<LedgerRow>> PgSnapshot::ledger_rows(const LedgerQuery& query) {
  std::vector<LedgerRow> rows;
  // With ids, the row where the last page ended goes on.
  const std::string_view from = query.after.id.empty() ? ">" : ">=";
  FM_TRY_(pg_.each("SELECT day, kind, count, digest FROM " + place_ +
                       ".ledger WHERE day BETWEEN $1 AND $2 AND ($3 = '' OR device_id = $3) AND ($4 = '' OR kind = $4) "
                       "AND (day, kind) " +
                       std::string(from) + " ($5, $6) ORDER BY day, kind",
                   {param(query.from), param(query.to), param(query.device_id),
                    param(query.kind != nullptr ? query.kind->name : std::string_view()), param(query.after.day),
                    param(query.after.kind)},
                   [&](const PgRows& page, int at) -> Result<bool> {
                     const Kind* kind = metrics::find_kind(page.text(at, 1));
                     if (kind == nullptr) return true;
                     if (rows.empty() || rows.back().day != page.text(at, 0) || rows.back().kind != kind) {
                       if (rows.size() > kMaxLedgerRows) return false;
                       rows.push_back({.day = std::string(page.text(at, 0)), .kind = kind});
                     }
                     rows.back().count += page.integer(at, 2);
                     rows.back().digest.add(LedgerDigest::from_hex(page.text(at, 3)));
                     return true;
                   }));
  return rows;
}

Result<std::vector<std::string>> PgSnapshot::ledger_ids(const LedgerRow& row, const LedgerQuery& query,
                                                        std::string_view after, std::size_t most) {
  FM_TRY(const WallTime begin, begin_of(row.day));
  FM_TRY(const PgRows rows,
         pg_.run("SELECT id FROM " + place_ + "." + std::string(row.kind->name) + std::string(kInPeriod) +
                     " AND ($3 = '' OR device_id = $3) AND id > $4 ORDER BY id LIMIT $5",
                 {param(to_ms(begin)), param(to_ms(begin + std::chrono::days(1))), param(query.device_id), param(after),
                  param(static_cast<std::int64_t>(most))}));
  std::vector<std::string> ids;
  ids.reserve(static_cast<std::size_t>(rows.size()));
  for (int at = 0; at < rows.size(); ++at) ids.emplace_back(rows.text(at, 0));
  return ids;
}

Result<std::vector<std::string>> PgSnapshot::counted(const Kind& kind, std::span<const std::string> ids) {
  PgArray asked(PgType::text);
  for (const std::string& id : ids) asked.add(id);
  const std::string name(kind.name);
  FM_TRY(const PgRows rows, pg_.run("SELECT id FROM unnest($1) AS asked (id) WHERE EXISTS (SELECT 1 FROM " + place_ +
                                        "." + name + " AS r WHERE r.id = asked.id) OR EXISTS (SELECT 1 FROM " + place_ +
                                        ".gone AS g WHERE g.kind = $2 AND g.id = asked.id)",
                                    {asked.param(), param(kind.name)}));
  std::vector<std::string> counted;
  counted.reserve(static_cast<std::size_t>(rows.size()));
  for (int at = 0; at < rows.size(); ++at) counted.emplace_back(rows.text(at, 0));
  return counted;
}

Result<void> PgSnapshot::each_record(const Kind& kind, const Period& period, const std::optional<After>& after,
                                     const metrics::TakeEvent& take) {
  return each_event(pg_, place_, kind, period, "", after, take);
}

Result<void> PgSnapshot::each_slice(std::int64_t from, std::int64_t until, const metrics::TakeSlice& take) {
  FM_TRY_(service::each_slice(pg_, place_, from, until, nullptr, take));
  return {};
}

Result<void> PgSnapshot::each_row(const Table& table, const std::function<void(const schema::Row& row)>& take) {
  schema::Row row(table.columns.size());
  FM_TRY_(pg_.each("SELECT " + columns_of(table) + " FROM " + place_ + "." + table.name, {},
                   [&](const PgRows& rows, int at) -> Result<bool> {
                     for (std::size_t i = 0; i < row.size(); ++i) row[i] = rows.value(at, static_cast<int>(i));
                     take(row);
                     return true;
                   }));
  return {};
}

}  // namespace fortium::service
