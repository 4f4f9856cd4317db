#include "service/http/fair_queue.h"

#include <doctest/doctest.h>

#include <vector>

namespace fortium::service {

namespace {

// Threads that the test moves: what was started runs when it says so.
struct Threads {
  std::deque<FairQueue::Work> started;
  FairQueue queue;
  std::vector<std::string> done;

  explicit Threads(FairQueue::Limits limits)
      : queue([this](FairQueue::Work work) { started.push_back(std::move(work)); }, limits) {}
  bool post(const std::string& lane) {
    return queue.post(lane, [this, lane] { done.push_back(lane); });
  }
  void run_one() {
    FairQueue::Work work = std::move(started.front());
    started.pop_front();
    work();
  }
  void run_all() {
    while (!started.empty()) run_one();
  }
};

}  // namespace

TEST_CASE("lanes take turns, however much one of them has") {
  Threads threads({.threads = 1, .waiting = 1000, .waiting_in_lane = 1000});
  for (int i = 0; i < 100; ++i) CHECK(threads.post("noisy"));
  CHECK(threads.post("quiet"));
  CHECK(threads.post("other"));
  threads.run_all();
  REQUIRE(threads.done.size() == 102);
  CHECK(threads.done[1] == "quiet");
  CHECK(threads.done[2] == "other");
}

TEST_CASE("one lane never has all threads") {
  Threads threads({.threads = 4, .waiting = 1000, .waiting_in_lane = 1000});
  for (int i = 0; i < 100; ++i) CHECK(threads.post("noisy"));
  CHECK(threads.started.size() == 3);
  CHECK(threads.post("quiet"));
  CHECK(threads.started.size() == 4);
  CHECK(threads.post("other"));
  CHECK(threads.started.size() == 4);
  threads.run_all();
  CHECK(threads.done.size() == 102);
}

TEST_CASE("one thread is for everybody") {
  Threads threads({.threads = 1, .waiting = 10, .waiting_in_lane = 10});
  CHECK(threads.post("only"));
  threads.run_all();
  CHECK(threads.done.size() == 1);
}

TEST_CASE("what waits is bounded, for each lane and for all") {
  Threads threads({.threads = 1, .waiting = 5, .waiting_in_lane = 3});
  CHECK(threads.post("a"));  // has begun, and does not wait
  for (int i = 0; i < 3; ++i) CHECK(threads.post("a"));
  CHECK_FALSE(threads.post("a"));
  CHECK(threads.post("b"));
  CHECK(threads.post("c"));
  CHECK_FALSE(threads.post("d"));
  threads.run_all();
  CHECK(threads.done.size() == 6);
  CHECK(threads.post("a"));
}

}  // namespace fortium::service
