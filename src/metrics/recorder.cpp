#include "fortium/metrics/recorder.h"

#include <utility>

namespace fortium::metrics {

namespace {

void fill_in(schema::Value& value, const std::string& text) {
  if (value.index() == 0 && !text.empty()) value = text;
}

}  // namespace

Recorder::Recorder(EventStore& store, const Clock& clock, Entropy& entropy, Stamp stamp, bool disabled)
    : store_(store), clock_(clock), entropy_(entropy), stamp_(std::move(stamp)), disabled_(disabled) {}

std::variant<std::string, Violations> Recorder::stage(const Kind& kind, const Json& fields, schema::Edge edge) {
  const WallTime now = clock_.now();
  schema::Checked checked =
      edge == schema::Edge::record ? check_event(kind, fields, now) : schema::check(kind.shape, fields, edge, now);
  if (!checked.ok()) return std::move(checked.violations);

  return stage(Event{&kind, std::move(checked.row)});
}

std::string Recorder::stage(Event event) {
  const WallTime now = clock_.now();
  if (!event.has(kTimestamp)) event.row[kTimestamp] = to_ms(now);
  if (!event.has(kRecordedAt)) event.row[kRecordedAt] = to_ms(now);
  if (!event.has(kId)) event.row[kId] = uuid7(now, entropy_);
  fill_in(event.row[kSource], stamp_.source);
  fill_in(event.row[kSessionId], stamp_.session_id);
  fill_in(event.row[kUserId], stamp_.user_id);
  fill_in(event.row[kProject], stamp_.project);

  std::string id(event.id());
  if (!disabled_) staged_.push_back(std::move(event));
  return id;
}

Result<std::vector<Stored>> Recorder::commit() {
  if (staged_.empty()) return std::vector<Stored>();
  std::vector<Event> events = std::exchange(staged_, {});
  return store_.append(events);
}

}  // namespace fortium::metrics
