// The bytes of a request and its answer, over TCP, a proxy's tunnel and TLS, all under one deadline and one limit.
//
// Every wait ends at the deadline, or when cancelled, whatever the peer does. Writing to a closed connection raises no
// signal. One thread, except cancel().
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fortium/base/clock.h"
#include "fortium/net/http.h"
#include "resolver.h"
#include "tls.h"

namespace fortium::net {

constexpr std::int64_t kMostStatusLine = 1024;  // beyond, httplib's regular expression would exhaust the stack
constexpr std::int64_t kMostHeaderBytes = 64 << 10;
constexpr std::int64_t kMostFraming = 1 << 20;  // of chunks, in an answer
constexpr std::int64_t kMostProxyAnswer = 16 << 10;
constexpr Millis kOneAddress{5'000};  // for each but the last address of a name

struct Trouble {
  Stage stage = Stage::connect;
  std::string what;
};

class Transport {
 public:
  explicit Transport(ClientOptions options);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // A new request. `most_bytes` is of the answer's body.
  void begin(Millis deadline, std::int64_t most_bytes);
  // A connection ready for the request; the descriptor is the caller's to close, after forget(). -1: see trouble().
  int open();
  void forget();

  // As of a stream: what was read, 0 at the end, -1 in trouble.
  ssize_t read(char* out, std::size_t size);
  // What the peer does not take any more counts as written: it may have answered before it read everything.
  ssize_t write(const char* data, std::size_t size);
  void headers_done() { in_headers_ = false; }

  const std::optional<Trouble>& trouble() const { return trouble_; }
  bool opened() const { return opened_; }  // for this very request
  bool answered() const { return received_ > 0; }
  bool reusable() const { return !early_ && from_ == to_; }
  bool ended() const { return ended_; }  // the peer closed the connection
  int socket() const { return socket_; }
  Millis deadline() const { return deadline_; }

  void cancel();  // any thread, for ever

 private:
  bool fail(Stage stage, std::string what);
  bool out_of_time(Stage stage);
  bool is_cancelled() const;
  bool wait(short events, Stage stage, SteadyTime until);
  bool connect_any();
  bool connect_one(const Address& address, SteadyTime until);
  bool tunnel();
  bool secure();
  // Bytes into the buffer. Without patience, only those that are there.
  enum class Filled { some, none, end, trouble };
  Filled fill(bool patient);
  bool within_limits(std::size_t got);

  const ClientOptions options_;
  std::optional<Origin> proxy_;
  Resolver resolver_;
  Tls tls_;
  int cancelled_ = -1;  // an eventfd: readable for ever once cancelled
  int socket_ = -1;
  Millis deadline_{0};
  SteadyTime until_{};
  std::int64_t most_bytes_ = 0;
  std::int64_t received_ = 0;
  std::int64_t header_bytes_ = 0;
  bool in_headers_ = true;
  bool first_line_ = true;
  bool opened_ = false;
  bool early_ = false;
  bool ended_ = false;
  std::optional<Trouble> trouble_;
  char buffer_[16 << 10];
  std::size_t from_ = 0;
  std::size_t to_ = 0;
};

}  // namespace fortium::net
