// Group commit: callers that come while a transaction is at work share the next one, and its way to the disk.
//
// There is no timer and no thread: the first caller does the work of all who wait, then hands on to the next. While
// what it has written goes to the disk, the next is at work already; nobody has an outcome before it is there. Each
// gets its own, and where a transaction fails for what one of them sent, each is tried alone. Any thread.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <span>
#include <vector>

#include "fortium/base/guarded.h"
#include "fortium/metrics/store.h"

namespace fortium::service {

class Group {
 public:
  using Outcome = Result<std::vector<metrics::Stored>>;
  struct Work {
    // One transaction; never two at a time.
    std::function<Outcome(std::span<metrics::Event> events, const std::vector<bool>& stamped)> write;
    // Returns when all that was written before is durable; never two at a time, but beside the next `write`.
    std::function<Result<void>()> settle;
  };

  Outcome append(std::span<metrics::Event> events, const std::vector<bool>& stamped, const Work& work);
  // Callers in line for the next transaction.
  std::size_t waiting();

 private:
  enum class Turn { lead, done };
  struct Caller {
    std::span<metrics::Event> events;
    const std::vector<bool>& stamped;
    Outcome written = Error{Errc::internal, "the transaction was left early"};
    Outcome outcome = Error{Errc::internal, "the way to the disk was left early"};
    std::promise<Turn> turn = {};
  };
  using Callers = std::vector<std::shared_ptr<Caller>>;  // shared: who was told may be gone before the teller is done
  struct Queue {
    bool led = false;
    Callers waiting;
    std::shared_future<void> settled;  // the newest group; none: there was none yet
  };
  // Those who share a transaction, and what must be settled before it.
  struct Party {
    Callers callers;
    std::shared_future<void> before;
    std::promise<void> settled = {};
  };
  Party next_party();
  void hand_on();
  static void write(const Callers& callers, const Work& work);
  static void write_each(const Callers& callers, const Work& work);
  static void settle(const Callers& callers, const Work& work);

  Guarded<Queue> queue_;
};

}  // namespace fortium::service
