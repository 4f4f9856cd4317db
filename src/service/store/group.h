// Group commit: callers that come while a transaction is at work share the next one, and its sync.
//
// There is no timer and no thread: the first caller does the work of all who wait, then hands on to the next. Each gets
// its own result, and where a transaction fails for what one of them sent, each is tried alone. Any thread.
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
  using Work = std::function<Outcome(std::span<metrics::Event> events, const std::vector<bool>& stamped)>;

  Outcome append(std::span<metrics::Event> events, const std::vector<bool>& stamped, const Work& work);

 private:
  enum class Turn { lead, done };
  struct Caller {
    std::span<metrics::Event> events;
    const std::vector<bool>& stamped;
    Outcome outcome = Error{Errc::internal, "the transaction was left early"};
    std::promise<Turn> turn = {};
  };
  using Callers = std::vector<std::shared_ptr<Caller>>;  // shared: who was told may be gone before the teller is done
  struct Queue {
    bool led = false;
    Callers waiting;
  };
  Callers next_group();
  void hand_on(const Callers& group, const Caller& self);
  static void run(const Callers& group, const Work& work);
  static void run_each(const Callers& group, const Work& work);

  Guarded<Queue> queue_;
};

}  // namespace fortium::service
