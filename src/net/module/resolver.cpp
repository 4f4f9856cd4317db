#include "resolver.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <thread>

#include "wait.h"

namespace fortium::net {

namespace {

std::vector<Address> copy(const addrinfo* list) {
  std::vector<Address> addresses;
  for (; list != nullptr; list = list->ai_next) {
    if (list->ai_addrlen > sizeof(sockaddr_storage)) continue;
    Address address;
    std::memcpy(&address.bytes, list->ai_addr, list->ai_addrlen);
    address.size = list->ai_addrlen;
    addresses.push_back(address);
  }
  return addresses;
}

Result<std::vector<Address>> look_up(const std::string& host, int port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) return Error{Errc::unavailable, "the name " + host + " has no address: " + gai_strerror(code)};
  std::vector<Address> addresses = copy(found);
  freeaddrinfo(found);
  return addresses;
}

}  // namespace

// Shared with its thread, so it stays where it is until that is done.
struct Resolver::Lookup {
  const int done = eventfd(0, EFD_CLOEXEC);  // readable once `addresses` is there
  std::atomic<bool> ready = false;
  Result<std::vector<Address>> addresses = std::vector<Address>();
  std::thread thread;

  Lookup() = default;
  ~Lookup() {
    if (thread.joinable()) thread.join();
    ::close(done);
  }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  void start(const std::string& host, int port) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the threads that know what to do with them
    thread = std::thread([this, host, port] {
      addresses = look_up(host, port, AI_ADDRCONFIG);
      ready = true;
      eventfd_write(done, 1);
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
};

Resolver::Resolver() = default;

Resolver::~Resolver() {
  // Nobody waits for a name server at the end of a program; what the thread still writes to is left behind.
  if (lookup_ != nullptr && !lookup_->ready) (void)lookup_.release();
}

Result<std::vector<Address>> Resolver::resolve(const std::string& host, int port, int cancelled, SteadyTime until) {
  if (auto numeric = look_up(host, port, AI_NUMERICHOST)) return numeric;
  if (lookup_ == nullptr) {
    lookup_ = std::make_unique<Lookup>();  // a client has one host, or one proxy: it is always the same name
    lookup_->start(host, port);
  }
  while (!lookup_->ready) {
    pollfd watched[] = {{lookup_->done, POLLIN, 0}, {cancelled, POLLIN, 0}};
    const int ready = ::poll(watched, 2, millis_until(until));
    if (ready == 0 || (ready > 0 && watched[1].revents != 0))
      return Error{Errc::cancelled, "the address of " + host + " was not found in time"};
  }
  const std::unique_ptr<Lookup> done = std::move(lookup_);
  return std::move(done->addresses);
}

}  // namespace fortium::net
