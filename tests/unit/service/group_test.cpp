#include "service/store/group.h"

#include <atomic>
#include <thread>

#include "fixture.h"
#include "support/events.h"

namespace fortium::service {

namespace {

using metrics::Event;
using metrics::Stored;

// Callers of one group. The first write waits until all the others are in line, so that these share the next one.
class Callers {
 public:
  explicit Callers(Group::Work work) : work_(std::move(work)) {}

  // The outcome of each.
  std::vector<Group::Outcome> run(std::vector<std::vector<Event>> all) {
    std::vector<Group::Outcome> outcomes(all.size(), Error{Errc::internal, "not called"});
    const std::vector<bool> stamped(1, false);
    Group::Work work = work_;
    work.write = [&](std::span<Event> events, const std::vector<bool>& theirs) {
      if (writes_++ == 0)
        while (group_.waiting() + 1 < all.size()) std::this_thread::yield();
      return work_.write(events, theirs);
    };
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < all.size(); ++i) {
      threads.emplace_back([&, i] { outcomes[i] = group_.append(all[i], stamped, work); });
      while (i == 0 && writes_ == 0) std::this_thread::yield();
    }
    threads.clear();
    return outcomes;
  }
  int writes() const { return writes_; }

 private:
  Group::Work work_;
  Group group_;
  std::atomic<int> writes_ = 0;
};

std::vector<Event> one(int number) { return {test::tool_call(id(number))}; }

// No store takes it: its kind demands a name.
std::vector<Event> nameless(int number) {
  std::vector<Event> events = one(number);
  test::value_of(events.front(), "tool_name") = {};
  return events;
}

Group::Outcome all_fresh(std::span<Event> events, const std::vector<bool>& /*stamped*/) {
  return std::vector<Stored>(events.size(), Stored::fresh);
}

}  // namespace

TEST_CASE("what one caller sent fails that caller, and none of those who shared its transaction") {
  Fixture f;
  const Backend store = must(open_backend(f.where, f.clock, f.entropy));
  const auto records = must(store.depot->find(f.acme.place));
  Callers callers({.write = [&](std::span<Event> events,
                                const std::vector<bool>& stamped) { return records->append(events, stamped); },
                   .settle = [] { return Result<void>(); }});
  const auto outcomes = callers.run({one(1), one(2), nameless(3), one(4)});
  CHECK(callers.writes() == 1 + 1 + 3);  // alone, together, each
  for (const std::size_t good : {0U, 1U, 3U}) CHECK(must(outcomes[good]) == std::vector{Stored::fresh});
  REQUIRE_FALSE(outcomes[2].ok());
  CHECK(outcomes[2].error().code == Errc::invalid);
  CHECK(f.count() == 3);
  // What the store filled in for a try that failed did not stay.
  CHECK(f.results(list(tool(id(3))))[0]["status"] == "accepted");
  CHECK(f.count() == 4);
}

TEST_CASE("nobody is told of what is not on the disk, and the next transaction does not wait for the disk") {
  std::atomic<int> writes = 0, settled = 0;
  Callers callers({.write =
                       [&](std::span<Event> events, const std::vector<bool>& stamped) {
                         ++writes;
                         return all_fresh(events, stamped);
                       },
                   .settle = [&]() -> Result<void> {
                     if (++settled == 1)
                       while (writes < 2) std::this_thread::yield();
                     return {};
                   }});
  for (const auto& outcome : callers.run({one(1), one(2), one(3)})) CHECK(outcome.ok());
  CHECK(writes == 2);
  CHECK(settled == 2);
}

TEST_CASE("what did not reach the disk was kept for nobody of its transaction") {
  std::atomic<int> settled = 0;
  Callers callers({.write = all_fresh, .settle = [&]() -> Result<void> {
                     if (++settled == 2) return Error{Errc::unavailable, "cannot sync"};
                     return {};
                   }});
  const auto outcomes = callers.run({one(1), one(2), one(3)});
  CHECK(outcomes[0].ok());
  for (const std::size_t lost : {1U, 2U}) {
    REQUIRE_FALSE(outcomes[lost].ok());
    CHECK(outcomes[lost].error().code == Errc::unavailable);
  }
}

TEST_CASE("never two transactions, and never two ways to the disk, at a time") {
  constexpr int kThreads = 8, kEach = 200;
  std::atomic<int> writing = 0, settling = 0, most_writing = 0, most_settling = 0, kept = 0;
  const auto enter = [](std::atomic<int>& now, std::atomic<int>& most) {
    if (const int count = ++now; count > most) most = count;
  };
  const Group::Work work{.write =
                             [&](std::span<Event> events, const std::vector<bool>& stamped) {
                               enter(writing, most_writing);
                               Group::Outcome outcome = all_fresh(events, stamped);
                               --writing;
                               return outcome;
                             },
                         .settle = [&]() -> Result<void> {
                           enter(settling, most_settling);
                           std::this_thread::yield();
                           --settling;
                           return {};
                         }};
  Group group;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread)
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kEach; ++i) {
          std::vector<Event> events = one(thread * kEach + i);
          const auto outcome = group.append(events, {false}, work);
          if (outcome && *outcome == std::vector{Stored::fresh}) ++kept;
        }
      });
  }
  CHECK(kept == kThreads * kEach);
  CHECK(most_writing == 1);
  CHECK(most_settling == 1);
}

}  // namespace fortium::service
