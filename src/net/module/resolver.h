// Names to addresses, with a deadline: the C library's own lookup may block for half a minute.
//
// A lookup that did not end in time goes on in the C library's thread, and is what the next call for that name waits
// for. Not thread-safe.
#pragma once

#include <netdb.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fortium/base/result.h"

namespace fortium::net {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

class Resolver {
 public:
  Resolver();
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // `patience` says, now and then, whether to wait on. Errc::cancelled if it does not.
  Result<std::vector<Address>> resolve(const std::string& host, int port, const std::function<bool()>& patience);

 private:
  struct Lookup;
  std::unique_ptr<Lookup> lookup_;
};

}  // namespace fortium::net
