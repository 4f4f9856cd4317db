#include "session_hours.h"

#include <string>
#include <vector>

#include "slices.h"

namespace fortium::store {

using metrics::SessionHour;

namespace {

// What comes with a delay, such as what transcripts tell, is there by then. A day's work is folded at once.
constexpr std::int64_t kHoursUntilFolded = 24, kHoursAtOnce = 24;
constexpr std::int64_t kSlicesAtOnce = 2'000;  // read in one transaction: some milliseconds
constexpr std::int64_t kNone = -1;

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

}  // namespace

Result<std::int64_t> newest_session_hour(Db& db) {
  return db.integer("SELECT coalesce(max(hour), " + std::to_string(kNone) + ") FROM session_hour");
}

Result<bool> each_session_hour(Db& db, std::int64_t from, std::int64_t until, const TakeSessionHour& take) {
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

Result<void> remove_session_hours(Db& db, std::int64_t from) {
  FM_TRY(Statement remove, db.prepare("DELETE FROM session_hour WHERE hour >= ?"));
  return remove.bind(from).run();
}

Result<bool> fold_session_hours(Database& database, WallTime now) {
  const std::int64_t until = metrics::hour_of(now) - kHoursUntilFolded;
  const auto first_left = [&]() -> Result<std::int64_t> {
    FM_TRY(const std::int64_t newest, newest_session_hour(database.db()));
    FM_TRY(Statement first, database.db().prepare("SELECT coalesce(min(hour), ?2) FROM slice WHERE hour > ?1"));
    FM_TRY_(first.bind(newest, until).step());
    return first.integer(0);
  };
  FM_TRY(const std::int64_t waiting, first_left());
  if (waiting > until - kHoursAtOnce) return false;
  bool more = true;
  FM_TRY_(database.write([&]() -> Result<void> {
    FM_TRY(const std::int64_t from, first_left());
    FM_TRY(Statement add, prepare_insert(database.db()));
    Result<void> added;
    metrics::SessionHours hours([&](const SessionHour& one) {
      added = insert(add, one);
      return added.ok();
    });
    std::int64_t read = 0, hour = from;
    FM_TRY(more, each_slice(database.db(), from, until, {.durations = false}, [&](const metrics::Slice& slice) {
             if (slice.key.hour != hour && read >= kSlicesAtOnce) return false;
             hour = slice.key.hour;
             ++read;
             return hours.add(slice);
           }));
    more = !more;
    hours.finish();
    return added;
  }));
  return more;
}

}  // namespace fortium::store
