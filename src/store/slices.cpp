#include "slices.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "records.h"
#include "roll_ups.h"

namespace fortium::store {

using metrics::Figures;
using metrics::Slice;
using metrics::SliceKey;
using metrics::Wanted;

namespace {

// Order of the columns after the key.
constexpr std::string_view kFigures =
    "count, success, error, timeout, cancelled, timed, total_us, min_us, max_us, durations, input_tokens, "
    "output_tokens, cache_read_tokens, cache_creation_tokens, priced, cost_nano_usd, minutes, first, last";
constexpr std::string_view kKey = "hour, kind, name, session_id, user_id, project, source";
constexpr int kKeyColumns = 7;
constexpr std::string_view kWhereKey =
    "WHERE hour = ?1 AND kind = ?2 AND name = ?3 AND session_id = ?4 AND user_id = ?5 AND project = ?6 AND source = ?7";

// From this column on; corrupt where no figures could have been written like that.
Result<void> read_figures(const Statement& row, int column, bool durations, Figures& into) {
  std::int64_t minutes = 0, first = 0, last = 0, least = 0;
  const auto read = [&](std::int64_t& number) {
    number = row.integer(column++);
    least = std::min(least, number);
  };
  read(into.count);
  for (std::int64_t& count : into.by_status) read(count);
  for (std::int64_t* number : {&into.timed, &into.total_us, &into.min_us, &into.max_us}) read(*number);
  const bool sound = into.durations.read(row.blob(column++));
  for (std::int64_t* number : {&into.input_tokens, &into.output_tokens, &into.cache_read_tokens,
                               &into.cache_creation_tokens, &into.priced, &into.cost_nano_usd, &minutes})
    read(*number);
  first = row.integer(column++);
  last = row.integer(column++);
  if (least < 0 || !sound || (durations && into.durations.count() != into.timed))
    return Error{Errc::corrupt, "a slice has figures that make no sense"};
  into.minutes = static_cast<std::uint64_t>(minutes);
  into.first = from_ms(first);
  into.last = from_ms(last);
  return {};
}

Result<void> run_with(Statement& statement, const SliceKey& key, const Figures& of) {
  const std::string durations = of.durations.bytes();
  Result<void> done = statement.run_with(
      key.hour, metrics::kinds()[key.kind].name, key.name, key.session_id, key.user_id, key.project, key.source,
      of.count, of.by_status[0], of.by_status[1], of.by_status[2], of.by_status[3], of.timed, of.total_us, of.min_us,
      of.max_us, Blob{durations}, of.input_tokens, of.output_tokens, of.cache_read_tokens, of.cache_creation_tokens,
      of.priced, of.cost_nano_usd, static_cast<std::int64_t>(of.minutes), to_ms(of.first), to_ms(of.last));
  // The figures are our own: a table that does not take them is damaged.
  if (!done && done.error().code == Errc::invalid) return Error{Errc::corrupt, std::move(done).error().what};
  return done;
}

Result<Statement> prepare_insert(Db& db) {
  return db.prepare("INSERT INTO slice (" + std::string(kKey) + ", " + std::string(kFigures) +
                    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, "
                    "?20, ?21, ?22, ?23, ?24, ?25, ?26)");
}

Result<Statement> prepare_update(Db& db) {
  return db.prepare(
      "UPDATE slice SET count = ?8, success = ?9, error = ?10, timeout = ?11, cancelled = ?12, timed = ?13, "
      "total_us = ?14, min_us = ?15, max_us = ?16, durations = ?17, input_tokens = ?18, "
      "output_tokens = ?19, cache_read_tokens = ?20, cache_creation_tokens = ?21, priced = ?22, "
      "cost_nano_usd = ?23, minutes = ?24, first = ?25, last = ?26 " +
      std::string(kWhereKey));
}

constexpr Wanted kEverything{};

constexpr unsigned kAllKinds = (1U << metrics::kKindCount) - 1;

unsigned outcome_kinds() {
  unsigned kinds = 0;
  for (std::size_t kind = 0; kind < metrics::kKindCount; ++kind)
    if (metrics::has_outcome(kind)) kinds |= 1U << kind;
  return kinds;
}

// What is not wanted is a constant there: to read a column costs as much as to add it up.
Result<Statement> prepare_select(Db& db, const Wanted& wanted) {
  std::string sql =
      "SELECT " + std::string(kKey) + ", " + std::string(kFigures) + " FROM slice WHERE hour >= ?1 AND hour < ?2";
  const auto instead = [&sql](std::string_view column, std::string_view constant) {
    sql.replace(sql.find(column), column.size(), constant);
  };
  if (!wanted.sessions) instead("session_id, user_id", "'', ''");
  if (!wanted.sessions) instead("minutes", "0");
  if (!wanted.durations) instead("durations", "x''");
  // What only requests have.
  if ((wanted.kinds & ~outcome_kinds()) == 0)
    instead("cache_read_tokens, cache_creation_tokens, priced, cost_nano_usd", "0, 0, 0, 0");
  // Rows of other kinds are left before any column of theirs is read.
  std::string kinds;
  for (const metrics::Kind& kind : metrics::kinds())
    if (wanted.has(metrics::index_of(kind))) kinds += (kinds.empty() ? "'" : ", '") + std::string(kind.name) + "'";
  if ((~wanted.kinds & kAllKinds) != 0) sql += " AND kind IN (" + kinds + ")";
  return db.prepare(sql + " ORDER BY hour");
}

// Reads the keys of rows, one after the other: most have the kind of the one before.
class Keys {
 public:
  explicit Keys(const Wanted& wanted) : wanted_(wanted) {}

  // False: not wanted, or of a kind that a newer version of this program has.
  bool read(const Statement& row, SliceKey& into) {
    if (const std::string_view name = row.text(1); kind_ == nullptr || name != kind_->name)
      kind_ = metrics::find_kind(name);
    if (kind_ == nullptr || !wanted_.has(metrics::index_of(*kind_))) return false;
    into.hour = row.integer(0);
    into.kind = metrics::index_of(*kind_);
    int column = 2;
    for (std::string* text : {&into.name, &into.session_id, &into.user_id, &into.project, &into.source})
      *text = row.text(column++);
    return true;
  }

 private:
  const Wanted& wanted_;
  const metrics::Kind* kind_ = nullptr;
};

using Rows = std::map<SliceKey, Figures>;

// Of one hour; a row that cannot be read counts nothing.
Result<Rows> rows_of(Db& db, std::int64_t hour) {
  Rows rows;
  FM_TRY(Statement list, prepare_select(db, kEverything));
  list.bind(hour, hour + 1);
  Keys keys(kEverything);
  SliceKey key;
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return rows;
    if (!keys.read(list, key)) continue;
    Figures figures;
    rows[key] = read_figures(list, kKeyColumns, /*durations=*/true, figures) ? figures : Figures{};
  }
}

Result<bool> is_thinned(Db& db, std::int64_t hour) {
  FM_TRY(Statement find, db.prepare("SELECT 1 FROM thinned WHERE hour = ?"));
  return find.bind(hour).step();
}

// What the rows of an hour should be: nothing of what is right already, and no figures where there should be no row.
Result<Rows> mend(Database& database, std::int64_t hour, const Rows& rows) {
  FM_TRY(const metrics::Slicer recount,
         slice_records(database, metrics::begin_of(hour), metrics::begin_of(hour + 1), Millis(0)));
  FM_TRY(const bool thinned, is_thinned(database.db(), hour));
  Rows right;
  for (const auto& [key, figures] : rows)
    if (!thinned || figures.count == 0) right[key] = {};
  for (const auto& [key, figures] : recount.slices()) {
    const auto at = rows.find(key);
    const bool fits = at != rows.end() && (thinned ? at->second.count >= figures.count : at->second == figures);
    if (fits)
      right.erase(key);
    else
      right[key] = figures;
  }
  return right;
}

}  // namespace

Result<void> SliceTable::add(const metrics::Event& event) {
  FM_TRY(Figures* const figures, grow(SliceKey::of(event)));
  figures->add(event);
  return {};
}

Result<void> SliceTable::add(const SliceKey& key, const Figures& more, const Figures& common) {
  FM_TRY(Figures* const figures, grow(key));
  figures->merge(more, common);
  return {};
}

// The figures of a row that is to be written.
Result<Figures*> SliceTable::grow(const SliceKey& key) {
  if (!folded_) {
    FM_TRY(folded_, newest_folded_day(database_.db()));
  }
  if (const std::int64_t day = key.hour / metrics::kHoursADay; day <= *folded_) {
    FM_TRY_(unfold(database_.db(), key.hour));
    folded_ = day - 1;
  }
  auto at = rows_.find(key);
  if (at == rows_.end()) {
    if (!get_) {
      FM_TRY(get_, database_.db().prepare("SELECT " + std::string(kFigures) + " FROM slice " + std::string(kWhereKey)));
    }
    FM_TRY(const bool known, get_.bind(key.hour, metrics::kinds()[key.kind].name, key.name, key.session_id, key.user_id,
                                       key.project, key.source)
                                 .step());
    Row row{.known = known};
    const Result<void> read = known ? read_figures(get_, 0, /*durations=*/true, row.figures) : Result<void>();
    get_.reset();
    FM_TRY_(read);
    at = rows_.emplace(key, std::move(row)).first;
  }
  if (!std::exchange(at->second.grown, true)) grown_.push_back(&*at);
  return &at->second.figures;
}

Result<void> SliceTable::write() {
  for (Rows::value_type* one : std::exchange(grown_, {})) {
    auto& [key, row] = *one;
    row.grown = false;
    const bool known = std::exchange(row.known, true);
    Statement& put = known ? update_ : insert_;
    if (!put) {
      FM_TRY(put, known ? prepare_update(database_.db()) : prepare_insert(database_.db()));
    }
    FM_TRY_(run_with(put, key, row.figures));
  }
  return {};
}

void SliceTable::forget() {
  folded_.reset();
  grown_.clear();
  rows_.clear();
}

Result<bool> each_slice(Db& db, std::int64_t from, std::int64_t until, const Wanted& wanted,
                        const metrics::TakeSlice& take) {
  FM_TRY(Statement list, prepare_select(db, wanted));
  list.bind(from, until);
  Keys keys(wanted);
  Slice slice;  // one for all: its texts keep their room
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return true;
    if (!keys.read(list, slice.key)) continue;
    FM_TRY_(read_figures(list, kKeyColumns, wanted.durations, slice.figures));
    if (!take(slice)) return false;
  }
}

Result<std::vector<std::int64_t>> differing_hours(Database& database, const Step& step) {
  std::set<std::int64_t> hours;
  std::string all = "SELECT hour FROM slice UNION SELECT day * 24 FROM session_day UNION SELECT begin FROM name_span";
  for (const metrics::Kind& kind : metrics::kinds())
    all += " UNION SELECT " + std::string(kHour) + " FROM " + std::string(kind.name);
  FM_TRY(Statement list, database.db().prepare(all));
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) break;
    hours.insert(list.integer(0));
  }
  std::vector<std::int64_t> differing;
  std::int64_t done = 0, span = INT64_MIN;
  for (const std::int64_t hour : hours) {
    FM_TRY_(database.read([&]() -> Result<void> {
      bool right = true;
      if (const std::int64_t its = span_of(hour); std::exchange(span, its) != its) {
        FM_TRY(right, is_folded_right(database.db(), span));
      }
      FM_TRY(const Rows rows, rows_of(database.db(), hour));
      FM_TRY(const Rows wrong, mend(database, hour, rows));
      if (!wrong.empty() || !right) differing.push_back(hour);
      return {};
    }));
    if (step) step(++done, static_cast<std::int64_t>(hours.size()));
  }
  return differing;
}

Result<void> rebuild(Database& database, const std::vector<std::int64_t>& hours) {
  FM_TRY(Statement remove, database.db().prepare("DELETE FROM slice " + std::string(kWhereKey)));
  FM_TRY(Statement add, prepare_insert(database.db()));
  for (const std::int64_t hour : hours)
    FM_TRY_(database.write([&]() -> Result<void> {
      FM_TRY_(unfold(database.db(), hour));
      FM_TRY(const Rows rows, rows_of(database.db(), hour));
      FM_TRY(const Rows right, mend(database, hour, rows));
      for (const auto& [key, figures] : right) {
        FM_TRY_(remove.run_with(key.hour, metrics::kinds()[key.kind].name, key.name, key.session_id, key.user_id,
                                key.project, key.source));
        if (figures.count > 0) FM_TRY_(run_with(add, key, figures));
      }
      return {};
    }));
  return {};
}

}  // namespace fortium::store
