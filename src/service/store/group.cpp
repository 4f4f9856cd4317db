#include "group.h"

#include <algorithm>
#include <iterator>

#include "service/limits.h"

namespace fortium::service {

Group::Outcome Group::append(std::span<metrics::Event> events, const std::vector<bool>& stamped, const Work& work) {
  const auto self = std::make_shared<Caller>(Caller{events, stamped});
  const bool leads = queue_.with([&](Queue& queue) {
    queue.waiting.push_back(self);
    return !std::exchange(queue.led, true);
  });
  if (!leads && self->turn.get_future().get() == Turn::done) return std::move(self->outcome);

  // Whoever leads is the first of those who wait.
  const Callers group = next_group();
  struct Finish {  // also when an exception passes
    Group& all;
    const Callers& group;
    const Caller& self;
    ~Finish() { all.hand_on(group, self); }
  };
  {
    const Finish finish{*this, group, *self};
    run(group, work);
  }
  return std::move(self->outcome);
}

Group::Callers Group::next_group() {
  return queue_.with([](Queue& queue) {
    std::size_t records = 0;
    auto end = queue.waiting.begin();
    while (end != queue.waiting.end() && (records += (*end)->events.size()) <= kMostGroupRecords) ++end;
    if (end == queue.waiting.begin()) ++end;
    Callers group(queue.waiting.begin(), end);
    queue.waiting.erase(queue.waiting.begin(), end);
    return group;
  });
}

void Group::hand_on(const Callers& group, const Caller& self) {
  for (const auto& caller : group)
    if (caller.get() != &self) caller->turn.set_value(Turn::done);
  queue_.with([](Queue& queue) {
    queue.led = !queue.waiting.empty();
    if (queue.led) queue.waiting.front()->turn.set_value(Turn::lead);
  });
}

void Group::run(const Callers& group, const Work& work) {
  if (group.size() == 1) return run_each(group, work);
  std::vector<metrics::Event> all;
  std::vector<bool> stamped;
  for (const auto& caller : group) {
    std::ranges::move(caller->events, std::back_inserter(all));
    stamped.insert(stamped.end(), caller->stamped.begin(), caller->stamped.end());
  }
  const Outcome outcome = work(all, stamped);
  auto from = all.begin();
  for (const auto& caller : group) {
    const auto end = from + static_cast<std::ptrdiff_t>(caller->events.size());
    std::move(from, end, caller->events.begin());
    from = end;
  }
  // What one of them sent is no fault of the others.
  if (!outcome && (outcome.error().code == Errc::invalid || outcome.error().code == Errc::internal))
    return run_each(group, work);
  std::size_t at = 0;
  for (const auto& caller : group) {
    if (!outcome) {
      caller->outcome = outcome.error();
      continue;
    }
    const auto begin = outcome->begin() + static_cast<std::ptrdiff_t>(at);
    caller->outcome = std::vector<metrics::Stored>(begin, begin + static_cast<std::ptrdiff_t>(caller->events.size()));
    at += caller->events.size();
  }
}

void Group::run_each(const Callers& group, const Work& work) {
  for (const auto& caller : group) caller->outcome = work(caller->events, caller->stamped);
}

}  // namespace fortium::service
