#include "roll_ups.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "slices.h"

namespace fortium::store {

using metrics::kHoursADay;
using metrics::kSpans;
using metrics::NameSpan;
using metrics::NameSpans;
using metrics::SessionHour;
using metrics::Slice;

namespace {

constexpr std::int64_t kHoursUntilFolded = 3;  // after the end of the day: work that went on over midnight is there
constexpr std::int64_t kSlicesAtOnce = 2'000;  // read in one transaction, if a span has no more: some milliseconds
constexpr std::int64_t kLongest = kSpans[0] / kHoursADay;  // in days

// A row of name_span: of which hours, and whether of all projects and sources. Who asks for one of them has single
// hours from slices.
struct Names {
  std::int64_t hours = 0, begin = 0;
  bool whole = false;
  std::string project, source;

  // clang-tidy 14 takes the comparison with zero inside for one with a pointer.
  auto operator<=>(const Names&) const = default;  // NOLINT(modernize-use-nullptr)
};
using Kinds = std::array<std::string, metrics::kKindCount>;  // its names of each kind, as bytes

// What slices add up to.
struct Folded {
  std::map<std::int64_t, std::string> sessions;  // by day: their hours, as bytes
  std::map<Names, Kinds> names;

  friend bool operator==(const Folded&, const Folded&) = default;
};

// Adds them up, as they come in order of their hours.
class Adder {
 public:
  void add(const Slice& slice) {
    hours_.add(slice);
    for (const std::int64_t hours : kSpans) {
      spans_of({.hours = hours, .whole = true}).add(slice);
      if (hours == 1) continue;
      spans_of({.hours = hours, .project = slice.key.project, .source = slice.key.source}).add(slice);
    }
  }

  // Of spans that are over before that day.
  Folded finish(std::int64_t until) {
    hours_.finish();
    for (auto& [day, hours] : of_days_) add_day(out_.sessions[day], hours);
    for (auto& [of, spans] : spans_) spans.finish();
    std::erase_if(out_.names,
                  [until](const auto& row) { return row.first.begin + row.first.hours > until * kHoursADay; });
    return std::move(out_);
  }

 private:
  NameSpans& spans_of(const Names& which) {
    if (const auto at = spans_.find(which); at != spans_.end()) return at->second;
    const auto take = [this, row = which](const NameSpan& one) mutable {
      row.begin = one.begin;
      one.append_to(out_.names[row][one.kind]);
      return true;
    };
    return spans_.try_emplace(which, which.hours, /*durations=*/true, take).first->second;
  }

  // Session by session: most of what is said of one hour of it need not be said of the next.
  static void add_day(std::string& bytes, std::vector<SessionHour>& hours) {
    std::ranges::stable_sort(hours, {}, &SessionHour::session_id);
    const SessionHour* before = nullptr;
    for (const SessionHour& hour : hours) {
      hour.append_to(bytes, before);
      before = &hour;
    }
  }

  Folded out_;
  std::map<std::int64_t, std::vector<SessionHour>> of_days_;
  metrics::SessionHours hours_{[this](const SessionHour& one) {
    of_days_[one.hour / kHoursADay].push_back(one);
    return true;
  }};
  std::map<Names, NameSpans> spans_;  // by rows without their begin
};

std::string kind_columns() {
  std::string names;
  for (const metrics::Kind& kind : metrics::kinds()) names += ", " + std::string(kind.name);
  return names;
}

Result<void> insert(Db& db, const Folded& rows) {
  std::string places = "?, ?, ?, ?, ?";
  for (std::size_t kind = 0; kind < metrics::kKindCount; ++kind) places += ", ?";
  FM_TRY(Statement sessions, db.prepare("INSERT INTO session_day (day, hours) VALUES (?, ?)"));
  FM_TRY(Statement names, db.prepare("INSERT INTO name_span (hours, whole, begin, project, source" + kind_columns() +
                                     ") VALUES (" + places + ")"));
  for (const auto& [day, hours] : rows.sessions) FM_TRY_(sessions.run_with(day, Blob{hours}));
  for (const auto& [of, kinds] : rows.names) {
    names.bind(of.hours, of.whole, of.begin, of.project, of.source);
    int place = 5;
    for (const std::string& kind : kinds) names.bind_at(++place, Blob{kind});
    FM_TRY_(names.run());
  }
  return {};
}

// Those that begin on these days.
Result<Folded> read(Db& db, std::int64_t from, std::int64_t until) {
  Folded rows;
  FM_TRY(Statement sessions, db.prepare("SELECT day, hours FROM session_day WHERE day >= ? AND day < ?"));
  sessions.bind(from, until);
  while (true) {
    FM_TRY(const bool more, sessions.step());
    if (!more) break;
    rows.sessions[sessions.integer(0)] = sessions.blob(1);
  }
  FM_TRY(Statement names,
         db.prepare("SELECT whole, project, source, begin" + kind_columns() +
                    " FROM name_span WHERE hours = ? AND whole IN (0, 1) AND begin >= ? AND begin < ?"));
  for (const std::int64_t hours : kSpans) {
    names.bind(hours, from * kHoursADay, until * kHoursADay);
    while (true) {
      FM_TRY(const bool more, names.step());
      if (!more) break;
      Kinds& kinds = rows.names[{.hours = hours,
                                 .begin = names.integer(3),
                                 .whole = names.integer(0) != 0,
                                 .project = std::string(names.text(1)),
                                 .source = std::string(names.text(2))}];
      int column = 3;
      for (std::string& kind : kinds) kind = names.blob(++column);
    }
  }
  return rows;
}

// The begin of the newest of so many hours; -1: there is none.
Result<std::int64_t> newest_span(Db& db, std::int64_t hours) {
  FM_TRY(Statement newest, db.prepare("SELECT coalesce(max(begin), -1) FROM name_span WHERE hours = ? AND whole = 1"));
  FM_TRY_(newest.bind(hours).step());
  return newest.integer(0);
}

}  // namespace

Result<std::int64_t> newest_folded_day(Db& db) { return db.integer("SELECT " + std::string(kNewestFoldedDay)); }

Result<bool> each_session_hour(Db& db, std::int64_t from, std::int64_t until, const metrics::Within& within,
                               const metrics::SessionHours::Take& take) {
  FM_TRY(Statement list,
         db.prepare("SELECT day, hours FROM session_day WHERE day >= ?1 / 24 AND day * 24 < ?2 ORDER BY day"));
  list.bind(from, until);
  SessionHour one;  // for all: its texts keep their room
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return true;
    const std::int64_t day = list.integer(0);
    const std::string_view hours = list.blob(1);
    for (std::string_view rest = hours; !rest.empty();) {
      if (!one.take_from(rest, day, rest.size() == hours.size()))
        return Error{Errc::corrupt, "an hour of a session has figures that make no sense"};
      const bool wanted = one.hour >= from && one.hour < until && within.has(one.project, one.source);
      if (wanted && !take(one)) return false;
    }
  }
}

Result<std::int64_t> each_name_span(Db& db, std::int64_t hours, std::int64_t from, std::int64_t until,
                                    const metrics::Wanted& wanted, const NameSpans::Take& take) {
  const auto& [project, source] = wanted.within;
  const bool whole = project.empty() && source.empty();
  FM_TRY(const std::int64_t newest, newest_span(db, hours));
  if (newest < 0 || (hours == 1 && !whole)) return from;
  const std::int64_t end = std::clamp(newest / hours + 1, from, until);
  std::vector<std::size_t> places;
  std::string sql = "SELECT begin";
  for (const metrics::Kind& kind : metrics::kinds()) {
    if (!wanted.has(metrics::index_of(kind))) continue;
    places.push_back(metrics::index_of(kind));
    sql += ", " + std::string(kind.name);
  }
  FM_TRY(Statement list,
         db.prepare(sql + " FROM name_span WHERE hours = ?1 AND whole = ?2 AND begin >= ?3 AND begin < ?4 "
                          "AND (?5 = '' OR project = ?5) AND (?6 = '' OR source = ?6) ORDER BY begin"));
  list.bind(hours, whole, from * hours, end * hours, project, source);
  NameSpan one;  // for all: its texts keep their room
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return end;
    one.begin = list.integer(0);
    int column = 0;
    for (const std::size_t kind : places) {
      one.kind = kind;
      for (std::string_view rest = list.blob(++column); !rest.empty();) {
        if (!one.take_from(rest, wanted.durations)) return NameSpan::senseless();
        if (!take(one)) return end;
      }
    }
  }
}

Result<void> unfold(Db& db, std::int64_t hour) {
  const std::int64_t day = hour / kHoursADay;
  FM_TRY(Statement sessions, db.prepare("DELETE FROM session_day WHERE day >= ?"));
  FM_TRY_(sessions.bind(day).run());
  FM_TRY(Statement names, db.prepare("DELETE FROM name_span WHERE hours = ? AND whole IN (0, 1) AND begin >= ?"));
  for (const std::int64_t hours : kSpans) FM_TRY_(names.bind(hours, day * kHoursADay / hours * hours).run());
  return {};
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
    // Days of a span that was not over are made again with it; and rows without their day count for nothing.
    FM_TRY(std::int64_t from, first_left());
    from = from / kLongest * kLongest;
    FM_TRY_(unfold(db, from * kHoursADay));
    Adder adder;
    std::int64_t slices = 0, end = until;
    FM_TRY(const bool all, each_slice(db, from * kHoursADay, until * kHoursADay, {}, [&](const Slice& slice) {
             const std::int64_t span = slice.key.hour / kHoursADay / kLongest * kLongest;
             if (slices++ >= kSlicesAtOnce && span != from) {
               end = span;
               return false;
             }
             from = span;
             adder.add(slice);
             return true;
           }));
    more = !all;
    return insert(db, adder.finish(end));
  }));
  return more;
}

std::int64_t span_of(std::int64_t hour) { return hour / kHoursADay / kLongest; }

Result<bool> is_folded_right(Db& db, std::int64_t span) {
  const std::int64_t from = span * kLongest;
  FM_TRY(const std::int64_t newest, newest_folded_day(db));
  FM_TRY(const std::int64_t newest_long, newest_span(db, kSpans[0]));
  const std::int64_t until = from * kHoursADay <= newest_long ? from + kLongest : std::min(newest + 1, from + kLongest);
  Adder adder;
  FM_TRY_(each_slice(db, from * kHoursADay, until * kHoursADay, {}, [&](const Slice& slice) {
    adder.add(slice);
    return true;
  }));
  FM_TRY(const Folded there, read(db, from, from + kLongest));
  return there == adder.finish(until);
}

}  // namespace fortium::store
