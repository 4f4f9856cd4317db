// Work of many on a few threads, in a fair order: everybody has a lane, lanes take turns, and no lane has all threads.
//
// So who sends a thousand requests at once waits for themselves: another one's request is next, or has a thread that is
// kept free of the first. What waits is bounded, for each lane and for all. Any thread.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "fortium/base/guarded.h"

namespace fortium::service {

class FairQueue {
 public:
  using Work = std::function<void()>;
  struct Limits {
    std::size_t threads = 1;
    std::size_t waiting = 0;          // of all
    std::size_t waiting_in_lane = 0;  // of one
  };

  // `start` runs work on some thread, soon; it must outlive all work.
  FairQueue(std::function<void(Work)> start, Limits limits);
  // False: there is too much already, and the work will not be done.
  bool post(const std::string& lane, Work work);

 private:
  struct Lane {
    std::deque<Work> waiting;
    std::size_t running = 0;
  };
  struct State {
    std::unordered_map<std::string, Lane> lanes;
    std::deque<std::string> turns;  // of lanes that have work, and may begin it
    std::size_t running = 0;
    std::size_t waiting = 0;
  };
  struct Next {
    std::string lane;
    Work work;
  };

  std::optional<Next> next();
  void pump();
  void finished(const std::string& lane);

  const std::function<void(Work)> start_;
  const Limits limits_;
  const std::size_t most_of_lane_;
  Guarded<State> state_;
};

}  // namespace fortium::service
