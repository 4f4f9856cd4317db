// A connection that stays, of either kind: what waits to be sent and to be heard, and when its Talk works.
//
// What is sent waits in bounded memory: who does not read is let go. The talk runs on the pool, everything else on the
// connection's strand. Boost is in this header.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/error.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "fortium/base/guarded.h"
#include "peer.h"

namespace fortium::service {

class Stream : public Peer, public Pipe {
 public:
  ~Stream() override;

  bool send(std::string message) override;
  std::vector<std::string> take() override;
  bool is_open() const override { return !gone_; }
  bool is_ending() const override { return shared_.stopping; }
  void close() override;
  void stop() override;

 protected:
  using Status = boost::beast::error_code;
  using Executor = boost::asio::ip::tcp::socket::executor_type;

  Stream(const Executor& strand, Shared& shared, std::shared_ptr<Talk> talk, std::string lane);
  template <class Derived>
  std::shared_ptr<Derived> self() {
    return std::static_pointer_cast<Derived>(shared_from_this());
  }

  // All on the strand. Of the kind of connection: write one message, or that we are here where nothing was said for
  // long, and then call on_written(); end politely; end now.
  virtual void write(const std::string& message) = 0;
  virtual void say_alive() { on_written({}); }
  virtual void finish() = 0;
  virtual void cut() = 0;
  // The head has left.
  void begin();
  void on_written(Status status);
  // False: no more may come until the talk has taken what is there; then go_on() is called.
  bool hear(std::string message);
  virtual void go_on() {}
  void end();

 private:
  struct Waiting {
    std::deque<std::string> out;
    std::size_t out_bytes = 0;
    std::vector<std::string> in;
    std::size_t in_bytes = 0;
    bool closing = false;
  };
  void nudge();
  void beat();
  void flush();

  Executor strand_;
  std::shared_ptr<Talk> talk_;
  const std::string lane_;  // of its work
  boost::asio::steady_timer timer_;
  Guarded<Waiting> waiting_;
  std::atomic<bool> gone_ = false;
  // Of the strand.
  std::string writing_;  // until it is written
  bool busy_ = false;    // something is being written
  bool finished_ = false;
  bool working_ = false, again_ = false;
  bool paused_ = false;
  SteadyTime spoke_{};  // began to write last
};

}  // namespace fortium::service
