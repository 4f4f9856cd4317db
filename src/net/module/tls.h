// TLS 1.2 or newer over a socket that does not block, verified against the system's anchors and one file more.
//
// There is no way to turn the verification off. Writing to a closed connection raises no signal. Not thread-safe.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>

#include "fortium/base/result.h"

namespace fortium::net {

class Tls {
 public:
  enum class Io { done, wants_read, wants_write, closed, failed };

  // Reads the anchors once. An empty `ca_file`: the system's only.
  Result<void> prepare(const std::string& ca_file);
  // A new session over `socket`, which stays the caller's. `host` is a name or an address.
  Result<void> attach(int socket, const std::string& host);
  // Says goodbye if it can, and forgets the session.
  void detach();
  bool attached() const { return session_ != nullptr; }

  Io handshake();
  Io read(char* out, std::size_t size, std::size_t& got);
  Io write(const char* data, std::size_t size, std::size_t& put);
  // Why the last call failed.
  std::string why() const;

 private:
  Io outcome(int code);

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* session) const { SSL_free(session); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> session_;
};

}  // namespace fortium::net
