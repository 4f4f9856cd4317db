// Names to addresses, with a deadline: the C library's own lookup may block for half a minute.
//
// It runs in a thread of its own. A lookup that did not end in time goes on, and is what the next call waits for.
// One thread.
#pragma once

#include <netdb.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"

namespace fortium::net {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

class Resolver {
 public:
  Resolver();
  ~Resolver();  // does not wait
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Errc::cancelled when the time was up, or when `cancelled`, a descriptor, became readable.
  Result<std::vector<Address>> resolve(const std::string& host, int port, int cancelled, SteadyTime until);

 private:
  struct Lookup;
  std::unique_ptr<Lookup> lookup_;
};

}  // namespace fortium::net
