#include "group.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "service/limits.h"

namespace fortium::service {

namespace {

// Runs at the end of its scope, also when an exception passes.
template <class F>
struct Finally {
  F last;
  ~Finally() { last(); }
};
template <class F>
Finally(F) -> Finally<F>;

}  // namespace

Group::Outcome Group::append(std::span<metrics::Event> events, const std::vector<bool>& stamped, const Work& work) {
  const auto self = std::make_shared<Caller>(Caller{events, stamped});
  const bool leads = queue_.with([&](Queue& queue) {
    queue.waiting.push_back(self);
    return !std::exchange(queue.led, true);
  });
  if (!leads && self->turn.get_future().get() == Turn::done) return std::move(self->outcome);

  // Whoever leads is the first of those who wait.
  Party party = next_party();
  const Finally tell{[&] {
    party.settled.set_value();
    for (const auto& caller : party.callers)
      if (caller != self) caller->turn.set_value(Turn::done);
  }};
  {
    const Finally next{[&] {
      if (party.before.valid()) party.before.wait();
      hand_on();
    }};
    write(party.callers, work);
  }
  settle(party.callers, work);
  return std::move(self->outcome);
}

std::size_t Group::waiting() {
  return queue_.with([](const Queue& queue) { return queue.waiting.size(); });
}

Group::Party Group::next_party() {
  return queue_.with([](Queue& queue) {
    std::size_t records = 0;
    auto end = queue.waiting.begin();
    while (end != queue.waiting.end() && (records += (*end)->events.size()) <= kMostGroupRecords) ++end;
    if (end == queue.waiting.begin()) ++end;
    Party party{.callers = Callers(queue.waiting.begin(), end), .before = std::move(queue.settled)};
    queue.waiting.erase(queue.waiting.begin(), end);
    queue.settled = party.settled.get_future().share();
    return party;
  });
}

void Group::hand_on() {
  queue_.with([](Queue& queue) {
    queue.led = !queue.waiting.empty();
    if (queue.led) queue.waiting.front()->turn.set_value(Turn::lead);
  });
}

void Group::write(const Callers& callers, const Work& work) {
  if (callers.size() == 1) return write_each(callers, work);
  std::vector<metrics::Event> all;
  std::vector<bool> stamped;
  for (const auto& caller : callers) {
    std::ranges::move(caller->events, std::back_inserter(all));
    stamped.insert(stamped.end(), caller->stamped.begin(), caller->stamped.end());
  }
  const Outcome outcome = work.write(all, stamped);
  auto from = all.begin();
  for (const auto& caller : callers) {
    const auto end = from + static_cast<std::ptrdiff_t>(caller->events.size());
    std::move(from, end, caller->events.begin());
    from = end;
  }
  // What one of them sent is no fault of the others.
  if (!outcome && (outcome.error().code == Errc::invalid || outcome.error().code == Errc::internal))
    return write_each(callers, work);
  std::size_t at = 0;
  for (const auto& caller : callers) {
    if (!outcome) {
      caller->written = outcome.error();
      continue;
    }
    const auto begin = outcome->begin() + static_cast<std::ptrdiff_t>(at);
    caller->written = std::vector<metrics::Stored>(begin, begin + static_cast<std::ptrdiff_t>(caller->events.size()));
    at += caller->events.size();
  }
}

void Group::write_each(const Callers& callers, const Work& work) {
  for (const auto& caller : callers) caller->written = work.write(caller->events, caller->stamped);
}

// What is not on the disk was not kept, as far as anybody is told.
void Group::settle(const Callers& callers, const Work& work) {
  const bool any = std::ranges::any_of(callers, [](const auto& caller) { return caller->written.ok(); });
  const Result<void> settled = any ? work.settle() : Result<void>();
  for (const auto& caller : callers)
    caller->outcome = settled || !caller->written ? std::move(caller->written) : Outcome(settled.error());
}

}  // namespace fortium::service
