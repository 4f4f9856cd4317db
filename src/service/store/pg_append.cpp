#include "pg_append.h"

#include "pg_tables.h"

namespace fortium::service {

using metrics::Event;
using metrics::Kind;
using metrics::SliceKey;
using metrics::Stored;

std::vector<PgQuery> begin_writing(const std::string& place) {
  std::vector<PgQuery> queries = begin_in(place, Work::write);
  queries.push_back({"SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", {param(place)}});
  return queries;
}

Result<std::vector<Stored>> PgAppend::run(std::span<Event> events, const std::vector<bool>& stamped) {
  std::vector<Event*> numbered, named;  // whose seq, whose device_id is filled in here
  for (Event& event : events) {
    if (!event.has(metrics::kSeq)) numbered.push_back(&event);
    if (!event.has(metrics::kDeviceId)) named.push_back(&event);
  }
  std::vector<Stored> stored;
  const auto work = [&]() -> Result<void> {
    FM_TRY_(read(events));
    for (std::size_t i = 0; i < events.size(); ++i) {
      FM_TRY(const Stored one, add(events[i], stamped[i]));
      stored.push_back(one);
    }
    return write();
  };
  Result<void> done = work();
  if (done) return stored;
  pg_.undo();
  for (Event* event : numbered) event->row[metrics::kSeq] = {};
  for (Event* event : named) event->row[metrics::kDeviceId] = {};
  return std::move(done).error();
}

LineKey PgAppend::line_of(const Event& event) const {
  return {std::string(event.text(metrics::kSessionId)), day_of(event.timestamp()), metrics::index_of(*event.kind),
          event.has(metrics::kDeviceId) ? std::string(event.text(metrics::kDeviceId)) : device_id_};
}

Result<void> PgAppend::read(std::span<const Event> events) {
  const std::size_t kinds = metrics::kinds().size();
  known_.resize(kinds);
  read_.resize(kinds);
  fresh_.resize(kinds);
  std::vector<std::vector<std::string_view>> ids(kinds);
  PgArray sessions(PgType::text), kinds_of_ids(PgType::text), all_ids(PgType::text);
  for (const Event& event : events) {
    kinds_of_ids.add(event.kind->name);
    all_ids.add(event.id());
    ids[metrics::index_of(*event.kind)].push_back(event.id());
    before_[line_of(event)];
    slices_before_[SliceKey::of(event)];
    if (!event.has(metrics::kSeq) && event.has(metrics::kSessionId) &&
        last_.emplace(event.text(metrics::kSessionId), 0).second)
      sessions.add(event.text(metrics::kSessionId));
  }

  std::vector<PgQuery> queries = begin_writing(place_);
  const std::size_t first = queries.size();
  queries.push_back(
      {"SELECT session_id, max(last) FROM " + place_ + ".ledger WHERE session_id = ANY($1) GROUP BY session_id",
       {sessions.param()}});
  queries.push_back({"SELECT kind, id FROM unnest($1, $2) AS k (kind, id) JOIN " + place_ + ".gone USING (kind, id)",
                     {kinds_of_ids.param(), all_ids.param()}});
  queries.push_back(select_lines(place_, before_));
  queries.push_back(select_slices(place_, slices_before_));
  for (std::size_t kind = 0; kind < kinds; ++kind)
    if (!ids[kind].empty()) queries.push_back(select_events(place_, metrics::kinds()[kind], ids[kind]));

  FM_TRY(const std::vector<PgRows> all, pg_.run(queries));
  auto rows = all.begin() + static_cast<std::ptrdiff_t>(first);
  for (int row = 0; row < rows->size(); ++row) last_.find(rows->text(row, 0))->second = rows->integer(row, 1);
  ++rows;
  for (int row = 0; row < rows->size(); ++row)
    gone_.emplace(metrics::index_of(*metrics::find_kind(rows->text(row, 0))), rows->text(row, 1));
  before_.clear();
  read_lines(*++rows, before_);
  slices_before_.clear();
  ++rows;
  for (int row = 0; row < rows->size(); ++row) {
    metrics::Slice slice;
    FM_TRY(const bool known, read_slice(*rows, row, slice));
    if (known) slices_before_.emplace(std::move(slice.key), std::move(slice.figures));
  }
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    if (ids[kind].empty()) continue;
    ++rows;
    for (int row = 0; row < rows->size(); ++row) read_[kind].push_back(event_of(*rows, row, metrics::kinds()[kind]));
    for (const Event& event : read_[kind]) known_[kind].emplace(event.id(), &event);
  }
  return {};
}

Result<Stored> PgAppend::add(Event& event, bool stamped) {
  const std::size_t kind = metrics::index_of(*event.kind);
  // What was let go is no longer here to be compared.
  if (!gone_.empty() && gone_.contains({kind, std::string(event.id())})) return Stored::duplicate;
  if (const auto kept = known_[kind].find(event.id()); kept != known_[kind].end())
    return compare(event, *kept->second, stamped);
  std::int64_t* last = nullptr;
  if (!event.has(metrics::kSeq) && event.has(metrics::kSessionId)) {
    last = &last_.find(event.text(metrics::kSessionId))->second;
    event.row[metrics::kSeq] = ++*last;
  }
  if (!event.has(metrics::kDeviceId)) event.row[metrics::kDeviceId] = device_id_;
  known_[kind].emplace(event.id(), &event);
  fresh_[kind].push_back(&event);

  const LineKey key = line_of(event);
  auto line = lines_.find(key);
  if (line == lines_.end()) {
    const auto before = before_.find(key);
    line = lines_.emplace(key, before != before_.end() ? before->second : Line()).first;
  }
  ++line->second.count;
  line->second.digest.add(event.id());
  if (last != nullptr) line->second.last = *last;
  slicer_.add(event);
  return Stored::fresh;
}

// What the store filled in that time, and when it came if it did not say, is not compared.
Stored PgAppend::compare(Event& event, const Event& kept, bool stamped) const {
  for (const metrics::Envelope filled : {metrics::kSeq, metrics::kDeviceId})
    if (!event.has(filled)) event.row[filled] = kept.row[filled];
  if (stamped) event.row[metrics::kTimestamp] = kept.row[metrics::kTimestamp];
  return metrics::same_content(kept, event) ? Stored::duplicate : Stored::conflict;
}

Result<void> PgAppend::write() {
  std::vector<PgQuery> queries;
  for (std::size_t kind = 0; kind < fresh_.size(); ++kind)
    if (!fresh_[kind].empty()) queries.push_back(insert_events(place_, metrics::kinds()[kind], fresh_[kind]));
  if (!queries.empty()) {
    Slices slices = slicer_.slices();
    for (auto& [key, figures] : slices)
      if (const auto before = slices_before_.find(key); before != slices_before_.end()) figures.merge(before->second);
    queries.push_back(upsert_lines(place_, lines_));
    queries.push_back(upsert_slices(place_, slices));
  }
  queries.push_back({"COMMIT"});
  const auto done = pg_.run(queries);
  if (done) return {};
  // Somebody has written without taking a turn: the next look will see it.
  if (done.error().code == Errc::conflict) return Error{Errc::busy, done.error().what};
  return done.error();
}

}  // namespace fortium::service
