#include "roll_ups.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "slices.h"

namespace fortium::store {

using metrics::kHoursADay;
using metrics::NameDay;
using metrics::SessionHour;

namespace {

constexpr std::int64_t kHoursUntilFolded = 3;  // after the end of the day: work that went on over midnight is there
constexpr std::int64_t kSlicesAtOnce = 2'000;  // read in one transaction, if a day has no more: some milliseconds

std::string columns() {
  std::string names = "hour, session_id, project, source, ";
  for (const metrics::Kind& kind : metrics::kinds()) names += std::string(kind.name) + ", ";
  return names +
         "success, error, timeout, cancelled, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, "
         "priced, cost_nano_usd, minutes, first, last";
}

Result<void> read_row(const Statement& row, SessionHour& into) {
  int column = 0;
  std::int64_t least = 0, minutes = 0;
  const auto read = [&](std::int64_t& number) {
    number = row.integer(column++);
    least = std::min(least, number);
  };
  into.hour = row.integer(column++);
  for (std::string* text : {&into.session_id, &into.project, &into.source}) *text = row.text(column++);
  for (std::int64_t& count : into.counts) read(count);
  for (std::int64_t& count : into.by_status) read(count);
  for (std::int64_t* number : {&into.input_tokens, &into.output_tokens, &into.cache_read_tokens,
                               &into.cache_creation_tokens, &into.priced, &into.cost_nano_usd, &minutes})
    read(*number);
  if (least < 0) return Error{Errc::corrupt, "an hour of a session has figures that make no sense"};
  into.minutes = static_cast<std::uint64_t>(minutes);
  into.first = from_ms(row.integer(column++));
  into.last = from_ms(row.integer(column));
  return {};
}

Result<Statement> prepare_insert(Db& db) {
  const std::string names = columns();
  std::string places = "?";
  for (const char c : names)
    if (c == ',') places += ", ?";
  return db.prepare("INSERT INTO session_hour (" + names + ") VALUES (" + places + ")");
}

Result<void> insert(Statement& add, const SessionHour& one) {
  add.bind(one.hour, one.session_id, one.project, one.source);
  int place = 4;
  for (const std::int64_t count : one.counts) add.bind_at(++place, count);
  for (const std::int64_t count : one.by_status) add.bind_at(++place, count);
  for (const std::int64_t number :
       {one.input_tokens, one.output_tokens, one.cache_read_tokens, one.cache_creation_tokens, one.priced,
        one.cost_nano_usd, static_cast<std::int64_t>(one.minutes), to_ms(one.first), to_ms(one.last)})
    add.bind_at(++place, number);
  return add.run();
}

// A row of name_day: the names of each kind.
struct NamesOfDay {
  std::int64_t day = 0;
  std::array<std::string, metrics::kKindCount> kinds;

  friend bool operator==(const NamesOfDay&, const NamesOfDay&) = default;
};

std::string kind_columns() {
  std::string names;
  for (const metrics::Kind& kind : metrics::kinds()) names += ", " + std::string(kind.name);
  return names;
}

Result<void> insert_names(Db& db, const NamesOfDay& row) {
  std::string places = "?";
  for (std::size_t kind = 0; kind < row.kinds.size(); ++kind) places += ", ?";
  FM_TRY(Statement add, db.prepare("INSERT INTO name_day (day" + kind_columns() + ") VALUES (" + places + ")"));
  add.bind(row.day);
  int place = 1;
  for (const std::string& names : row.kinds) add.bind_at(++place, Blob{names});
  return add.run();
}

Result<std::vector<NamesOfDay>> names_of(Db& db, std::int64_t day) {
  FM_TRY(Statement list, db.prepare("SELECT day" + kind_columns() + " FROM name_day WHERE day = ?"));
  list.bind(day);
  std::vector<NamesOfDay> rows;
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return rows;
    NamesOfDay& row = rows.emplace_back(NamesOfDay{.day = list.integer(0)});
    int column = 0;
    for (std::string& names : row.kinds) names = list.blob(++column);
  }
}

// Makes such rows from days of names, which come day by day.
class Names {
 public:
  using Take = std::function<Result<void>(const NamesOfDay&)>;
  explicit Names(Take take) : take_(std::move(take)) {}

  Result<void> add(const NameDay& one) {
    if (row_ && row_->day != one.day) FM_TRY_(finish());
    if (!row_) row_ = NamesOfDay{.day = one.day};
    one.append_to(row_->kinds[one.kind]);
    return {};
  }
  Result<void> finish() {
    const auto row = std::exchange(row_, std::nullopt);
    return row ? take_(*row) : Result<void>();
  }

 private:
  const Take take_;
  std::optional<NamesOfDay> row_;
};

}  // namespace

Result<std::int64_t> newest_folded_day(Db& db) { return db.integer("SELECT " + std::string(kNewestFoldedDay)); }

Result<bool> each_session_hour(Db& db, std::int64_t from, std::int64_t until, const metrics::SessionHours::Take& take) {
  FM_TRY(Statement list, db.prepare("SELECT " + columns() +
                                    " FROM session_hour WHERE hour >= ? AND hour < ? ORDER BY hour, session_id, "
                                    "project, source"));
  list.bind(from, until);
  SessionHour one;
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return true;
    FM_TRY_(read_row(list, one));
    if (!take(one)) return false;
  }
}

Result<bool> each_name_day(Db& db, std::int64_t from, std::int64_t until, const metrics::Wanted& wanted,
                           const metrics::NameDays::Take& take) {
  std::vector<std::size_t> places;
  std::string sql = "SELECT day";
  for (const metrics::Kind& kind : metrics::kinds()) {
    if (!wanted.has(metrics::index_of(kind))) continue;
    places.push_back(metrics::index_of(kind));
    sql += ", " + std::string(kind.name);
  }
  FM_TRY(Statement list, db.prepare(sql + " FROM name_day WHERE day >= ? AND day < ? ORDER BY day"));
  list.bind(from, until);
  NameDay one;  // for all: its texts keep their room
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return true;
    one.day = list.integer(0);
    int column = 0;
    for (const std::size_t kind : places) {
      one.kind = kind;
      for (std::string_view rest = list.blob(++column); !rest.empty();) {
        if (!one.take_from(rest, wanted.durations))
          return Error{Errc::corrupt, "a day of names has figures that make no sense"};
        if (!take(one)) return false;
      }
    }
  }
}

Result<void> unfold(Db& db, std::int64_t hour) {
  const std::int64_t day = hour / kHoursADay;
  FM_TRY(Statement names, db.prepare("DELETE FROM name_day WHERE day >= ?"));
  FM_TRY_(names.bind(day).run());
  FM_TRY(Statement sessions, db.prepare("DELETE FROM session_hour WHERE hour >= ?"));
  return sessions.bind(day * kHoursADay).run();
}

Result<bool> fold_slices(Database& database, WallTime now) {
  Db& db = database.db();
  const std::int64_t until = (metrics::hour_of(now) - kHoursUntilFolded) / kHoursADay;
  const auto first_left = [&]() -> Result<std::int64_t> {
    FM_TRY(const std::int64_t newest, newest_folded_day(db));
    FM_TRY(Statement first, db.prepare("SELECT coalesce(min(hour), ?2) FROM slice WHERE hour >= ?1"));
    FM_TRY_(first.bind((newest + 1) * kHoursADay, until * kHoursADay).step());
    return first.integer(0) / kHoursADay;
  };
  FM_TRY(const std::int64_t waiting, first_left());
  if (waiting >= until) return false;
  bool more = true;
  FM_TRY_(database.write([&]() -> Result<void> {
    FM_TRY(const std::int64_t from, first_left());
    FM_TRY_(unfold(db, from * kHoursADay));  // rows without their day count for nothing
    FM_TRY(Statement add_hour, prepare_insert(db));
    Result<void> added;
    Names names([&](const NamesOfDay& row) { return insert_names(db, row); });
    metrics::SessionHours hours([&](const SessionHour& one) { return (added = insert(add_hour, one)).ok(); });
    metrics::NameDays days(/*durations=*/true, [&](const NameDay& one) { return (added = names.add(one)).ok(); });
    std::int64_t read = 0, day = from;
    const auto take = [&](const metrics::Slice& slice) {
      const std::int64_t its = slice.key.hour / kHoursADay;
      if (its != day && read >= kSlicesAtOnce) return false;
      day = its;
      ++read;
      return hours.add(slice) && days.add(slice);
    };
    FM_TRY(const bool all, each_slice(db, from * kHoursADay, until * kHoursADay, {}, take));
    FM_TRY_(added);
    more = !all;
    hours.finish();
    days.finish();
    FM_TRY_(added);
    return names.finish();
  }));
  return more;
}

Result<bool> is_folded_right(Db& db, std::int64_t day) {
  std::vector<SessionHour> hours_there, hours_right;
  std::vector<NamesOfDay> names_right;
  const auto into = [](std::vector<SessionHour>& all) {
    return [&all](const SessionHour& one) {
      all.push_back(one);
      return true;
    };
  };
  Names names([&](const NamesOfDay& row) {
    names_right.push_back(row);
    return Result<void>();
  });
  metrics::SessionHours hours(into(hours_right));
  metrics::NameDays days(/*durations=*/true, [&](const NameDay& one) { return names.add(one).ok(); });
  const std::int64_t from = day * kHoursADay, until = from + kHoursADay;
  FM_TRY_(each_slice(db, from, until, {},
                     [&](const metrics::Slice& slice) { return hours.add(slice) && days.add(slice); }));
  hours.finish();
  days.finish();
  FM_TRY_(names.finish());
  const auto read = each_session_hour(db, from, until, into(hours_there));
  FM_TRY(const std::vector<NamesOfDay> names_there, names_of(db, day));
  return read.ok() && hours_there == hours_right && names_there == names_right;
}

}  // namespace fortium::store
