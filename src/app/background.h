// The thread that delivers while a session runs: fm-sync. It has its own connection to the store; what it shares with
// the rest is the file, the alarm and the log.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

#include "fortium/base/guarded.h"
#include "local.h"

namespace fortium::app {

class Background {
 public:
  explicit Background(const Settings& settings) : settings_(settings) {}
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background() { stop(Millis(0)); }

  void start();
  // A request in flight gets that long to end by itself.
  void stop(Millis grace);

 private:
  void run();
  Millis round(Local& local, std::unique_ptr<Sender>& sender);
  void offer(Sender* sender);

  const Settings& settings_;
  std::string told_;  // the trouble that the log tells of already: once, not at every round
  Alarm alarm_;
  Alarm done_;
  Guarded<Sender*> current_{nullptr};
  std::int64_t seen_closed_ = 0;  // the sender uses the file that was opened after it
  std::thread thread_;
};

}  // namespace fortium::app
