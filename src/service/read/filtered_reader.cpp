#include "filtered_reader.h"

#include <algorithm>
#include <deque>
#include <map>

namespace fortium::service {

using metrics::Event;
using metrics::Kind;
using metrics::Period;
using metrics::Slice;

namespace {

constexpr std::int64_t kRecordsBetweenLooks = 1024;  // a few milliseconds

std::string_view name_of(const Event& event) {
  const auto* name = std::get_if<std::string>(&event.row[metrics::kEnvelopeSize]);
  return name != nullptr ? std::string_view(*name) : std::string_view();
}

bool is(const std::string& wanted, std::string_view text) { return wanted.empty() || wanted == text; }

}  // namespace

std::optional<Filter> allowed(const Credential& who, Filter wanted) {
  if ((who.may & kViewAll) != 0) return wanted;
  if ((who.may & kViewOwn) != 0 && !who.person.empty()) {
    if (!is(wanted.user_id, who.person)) return std::nullopt;
    wanted.user_id = who.person;
    return wanted;
  }
  const bool sums = wanted.user_id.empty() && wanted.session_id.empty() && wanted.device_id.empty();
  return (who.may & kViewSummary) != 0 && sums ? std::optional(wanted) : std::nullopt;
}

bool Filter::takes(const Event& event) const {
  return is(device_id, event.text(metrics::kDeviceId)) && is(user_id, event.text(metrics::kUserId)) &&
         is(session_id, event.text(metrics::kSessionId)) && is(name, name_of(event));
}

bool Filter::takes(const metrics::SliceKey& key) const {
  return is(user_id, key.user_id) && is(session_id, key.session_id) && is(name, key.name);
}

Result<bool> FilteredReader::each_slice(std::int64_t from, std::int64_t until, const metrics::Wanted& wanted,
                                        const metrics::TakeSlice& take) {
  const Period period{metrics::begin_of(from), metrics::begin_of(until)};
  bool more = true;
  if (filter_.device_id.empty()) {
    metrics::Wanted looked_at = wanted;  // the filter looks at them
    if (!filter_.user_id.empty() || !filter_.session_id.empty()) looked_at.sessions = true;
    FM_TRY_(records_.ask([&](metrics::Reader& reader) {
      reader.while_reading(go_on_);
      auto done = reader.slices(period, Millis(0), looked_at, [&](const Slice& slice) {
        if (filter_.takes(slice.key)) more = take(slice);
        return more;
      });
      reader.while_reading({});
      return done;
    }));
    return more;
  }
  metrics::Slicer slicer;
  for (const Kind& one : metrics::kinds())
    if (wanted.has(metrics::index_of(one)))
      FM_TRY_(each_record(one, period, "", [&](const Event& event) {
        slicer.add(event);
        return true;
      }));
  for (const auto& [key, figures] : slicer.slices())
    if (!take({key, figures})) return false;
  return true;
}

Result<void> FilteredReader::each_record(const Kind& kind, const Period& period, std::string_view session,
                                         const metrics::TakeEvent& take) {
  std::int64_t seen = 0;
  bool go_on = true;
  FM_TRY_(records_.each_record(kind, period, std::nullopt, [&](const Event& event) {
    if (go_on_ && ++seen % kRecordsBetweenLooks == 0) go_on = go_on_();
    const bool wanted = filter_.takes(event) && (session.empty() || event.text(metrics::kSessionId) == session);
    return go_on && (!wanted || take(event));
  }));
  return go_on ? Result<void>() : Error{Errc::cancelled, "given up"};
}

Result<std::optional<WallTime>> FilteredReader::first_record(const Period& period) {
  std::optional<WallTime> first;
  for (const Kind& kind : metrics::kinds())
    FM_TRY_(each_record(kind, {period.since, first.value_or(period.until)}, "", [&](const Event& event) {
      first = event.timestamp();
      return false;
    }));
  return first;
}

Result<Period> FilteredReader::days_of(std::string_view session) {
  Period days;
  FM_TRY_(records_.ask([&](metrics::Reader& reader) -> Result<void> {
    FM_TRY(const auto found, reader.session(session));
    if (found)
      days = {std::chrono::floor<std::chrono::days>(std::min(found->start, found->last)),
              std::chrono::floor<std::chrono::days>(found->last) + std::chrono::days(1)};
    return {};
  }));
  return days;
}

Result<std::vector<std::string>> FilteredReader::words_of_records(std::string_view field,
                                                                  const std::vector<const Kind*>& kinds,
                                                                  const Period& period, std::int64_t limit) {
  std::map<std::string, WallTime, std::less<>> last;
  for (const Kind* kind : kinds)
    FM_TRY_(each_record(*kind, period, "", [&](const Event& event) {
      if (const auto word = event.text_of(field); !word.empty()) {
        WallTime& at = last[std::string(word)];
        at = std::max(at, event.timestamp());
      }
      return true;
    }));
  std::vector<std::pair<WallTime, std::string>> order;
  order.reserve(last.size());
  for (const auto& [word, at] : last) order.emplace_back(at, word);
  std::ranges::stable_sort(order, std::greater(), &std::pair<WallTime, std::string>::first);
  std::vector<std::string> words;
  for (auto& [at, word] : order)
    if (words.size() < static_cast<std::size_t>(limit)) words.push_back(std::move(word));
  return words;
}

Result<std::vector<metrics::Recent>> FilteredReader::recent(const Kind& kind, const Period& period,
                                                            std::string_view session, std::int64_t limit) {
  std::deque<metrics::Recent> newest;
  FM_TRY_(each_record(kind, period, session, [&](const Event& event) {
    newest.push_front({std::string(name_of(event)), event.number_of("execution_time_ms").value_or(0),
                       std::string(event.text_of("status")), event.timestamp()});
    if (newest.size() > static_cast<std::size_t>(limit)) newest.pop_back();
    return true;
  }));
  return std::vector<metrics::Recent>(newest.begin(), newest.end());
}

Result<std::optional<double>> FilteredReader::average_metric(std::string_view type, const Period& period) {
  double sum = 0;
  std::int64_t count = 0;
  FM_TRY_(each_record(*metrics::find_kind("productivity_metric"), period, "", [&](const Event& event) {
    if (event.text_of("metric_type") != type) return true;
    sum += event.number_of("value").value_or(0);
    ++count;
    return true;
  }));
  return count > 0 ? std::optional(sum / static_cast<double>(count)) : std::nullopt;
}

Result<std::vector<std::int64_t>> FilteredReader::counts() {
  std::vector<std::int64_t> counts(metrics::kinds().size());
  FM_TRY_(slices({from_ms(0), from_ms(253'402'300'799'000)}, Millis(0), {.durations = false}, [&](const Slice& slice) {
    counts[slice.key.kind] += slice.figures.count;
    return true;
  }));
  return counts;
}

}  // namespace fortium::service
