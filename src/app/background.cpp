#include "background.h"

#include <pthread.h>

#include <utility>

#include "fortium/base/log.h"

namespace fortium::app {

namespace {

constexpr Millis kAfterTrouble{60'000};  // the store or the network module could not be opened

}  // namespace

void Background::start() {
  thread_ = std::thread([this] { run(); });
}

void Background::stop(Millis grace) {
  if (!thread_.joinable()) return;
  alarm_.stop();
  if (done_.wait_for(grace) != Alarm::Woken::stopped)
    current_.with([](Sender* sender) {
      if (sender != nullptr) sender->cancel();
    });
  thread_.join();
}

void Background::run() {
  pthread_setname_np(pthread_self(), "fm-sync");
  {
    Local local(settings_);
    std::unique_ptr<Sender> sender;
    Millis wake = settings_.millis("sync_interval");
    while (alarm_.wait_for(wake) != Alarm::Woken::stopped) {
      try {
        wake = round(local, sender);
      } catch (const Bug& bug) {
        log_error(bug.what);
        wake = kAfterTrouble;
      }
    }
    if (sender) (void)sender->engine().finish();
    offer(nullptr);
  }
  done_.stop();
}

void Background::offer(Sender* sender) {
  current_.with([sender](Sender*& current) { current = sender; });
}

// Sends until nothing waits or something does not work; how long to sleep then.
Millis Background::round(Local& local, std::unique_ptr<Sender>& sender) {
  const Millis interval = settings_.millis("sync_interval");
  const auto tell = [this](const std::string& error) {
    if (error != std::exchange(told_, error) && !error.empty()) log_warn("sync: " + error);
  };
  const auto trouble = [&](const Error& error) {
    tell(error.what);
    local.store().note_error(error);
    return kAfterTrouble;
  };
  auto database = local.store().database();
  if (const std::int64_t closed = local.store().times_closed(); closed != std::exchange(seen_closed_, closed)) {
    offer(nullptr);  // it holds on to the file before
    sender.reset();
  }
  if (!database) return trouble(database.error());
  auto lane = local.store().lane();
  if (!lane) return trouble(lane.error());
  if (!sender) {
    // The network module is loaded when there is something to send, and not before.
    store::SqliteOutbox look(**database, *lane, local.entropy());
    auto rows = look.peek({.records = 1}, 0);
    if (!rows) return trouble(rows.error());
    if (rows->empty()) return interval;
    auto opened = Sender::open(settings_, local);
    if (!opened) return trouble(opened.error());
    sender = std::move(*opened);
    offer(sender.get());
  }
  while (!alarm_.stopped()) {
    auto report = sender->engine().step(local.clock().now());
    if (!report) return trouble(report.error());
    tell(report->error);
    if (report->step != sync::Step::sent) return std::max(report->wake, Millis(1));
    if (report->last) {
      if (auto done = sender->engine().finish(); !done) return trouble(done.error());
      return interval;
    }
    if (alarm_.wait_for(report->wake) == Alarm::Woken::stopped) break;
  }
  return interval;
}

}  // namespace fortium::app
