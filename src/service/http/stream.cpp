#include "stream.h"

#include <boost/asio/post.hpp>
#include <exception>

#include "fortium/base/log.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

namespace asio = boost::asio;

constexpr Millis kBeat{1'000};
constexpr Millis kAlive{15'000};                     // proxies and clients give up after 30 s or more of silence
constexpr Millis kGoodbye{1'000};                    // for the other side's, before the connection is cut
constexpr std::size_t kMostUnsent = 1 << 20;         // bytes, before one more message
constexpr std::size_t kMostUnheard = kMaxBodyBytes;  // bytes

SteadyTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

Stream::Stream(const Executor& strand, Shared& shared, std::shared_ptr<Talk> talk, std::string lane)
    : Peer(shared), strand_(strand), talk_(std::move(talk)), lane_(std::move(lane)), timer_(strand) {
  ++shared_.counts.streams;
}

Stream::~Stream() { --shared_.counts.streams; }

bool Stream::send(std::string message) {
  if (gone_) return false;
  const bool kept = waiting_.with([&](Waiting& waiting) {
    if (waiting.closing || waiting.out_bytes > kMostUnsent) return false;
    waiting.out_bytes += message.size();
    waiting.out.push_back(std::move(message));
    return true;
  });
  asio::post(strand_, [self = self<Stream>(), kept] { kept ? self->flush() : self->end(); });
  return kept;
}

std::vector<std::string> Stream::take() {
  return waiting_.with([](Waiting& waiting) {
    waiting.in_bytes = 0;
    return std::exchange(waiting.in, {});
  });
}

void Stream::close() {
  waiting_.with([](Waiting& waiting) { waiting.closing = true; });
  asio::post(strand_, [self = self<Stream>()] { self->flush(); });
}

void Stream::stop() {
  asio::post(strand_, [self = self<Stream>()] { self->nudge(); });
}

void Stream::begin() {
  spoke_ = now();
  nudge();
  beat();
}

bool Stream::hear(std::string message) {
  paused_ = waiting_.with([&](Waiting& waiting) {
    waiting.in_bytes += message.size();
    waiting.in.push_back(std::move(message));
    return waiting.in_bytes > kMostUnheard;
  });
  nudge();
  return !paused_;
}

// Lets the talk work, if it does not do so already; then once more after that.
void Stream::nudge() {
  if (gone_) return;
  if (std::exchange(working_, true)) {
    again_ = true;
    return;
  }
  const bool taken = shared_.on_pool(lane_, [self = self<Stream>()] {
    try {
      self->talk_->work(*self);
    } catch (const std::exception&) {
      log_error("a talk let an exception out");  // its words may hold what was given
      self->close();
    }
    asio::post(self->strand_, [self] {
      self->working_ = false;
      if (self->is_ending()) self->close();  // that was the last word
      if (std::exchange(self->paused_, false)) self->go_on();
      if (std::exchange(self->again_, false)) self->nudge();
    });
  });
  if (!taken) working_ = false;  // the next beat tries again
}

void Stream::beat() {
  timer_.expires_after(kBeat);
  timer_.async_wait([weak = std::weak_ptr(self<Stream>())](Status status) {
    const auto self = weak.lock();
    if (status || !self || self->gone_) return;
    const auto silent = now() - self->spoke_;
    if (self->finished_ && silent > kGoodbye) return self->end();
    if (self->busy_ && silent > self->shared_.options.request_time) return self->end();
    if (!self->busy_ && !self->finished_ && silent > kAlive) {
      self->busy_ = true;
      self->spoke_ = now();
      self->say_alive();
    }
    self->nudge();
    self->beat();
  });
}

void Stream::flush() {
  if (gone_ || busy_ || finished_) return;
  bool closing = false;
  const bool more = waiting_.with([&](Waiting& waiting) {
    closing = waiting.closing;
    if (waiting.out.empty()) return false;
    writing_ = std::move(waiting.out.front());
    waiting.out.pop_front();
    waiting.out_bytes -= writing_.size();
    return true;
  });
  if (more) {
    busy_ = true;
    spoke_ = now();
    write(writing_);
  } else if (closing) {
    finished_ = true;
    spoke_ = now();
    finish();
  }
}

void Stream::on_written(Status status) {
  busy_ = false;
  if (status) return end();
  flush();
}

void Stream::end() {
  if (gone_.exchange(true)) return;
  timer_.cancel();
  cut();
}

}  // namespace fortium::service
