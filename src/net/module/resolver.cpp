#include "resolver.h"

#include <cerrno>
#include <cstring>

namespace fortium::net {

// The C library writes into it from a thread of its own, so it must stay where it is until that is done.
struct Resolver::Lookup {
  std::string host;
  std::string port;
  addrinfo hints{};
  gaicb request{};

  Lookup(std::string host_name, int port_number) : host(std::move(host_name)), port(std::to_string(port_number)) {
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
    request.ar_name = host.c_str();
    request.ar_service = port.c_str();
    request.ar_request = &hints;
  }
  ~Lookup() {
    if (request.ar_result != nullptr) freeaddrinfo(request.ar_result);
  }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;
};

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

Error unknown(const std::string& host, int code) {
  return {Errc::unavailable, "the name " + host + " has no address: " + gai_strerror(code)};
}

}  // namespace

Resolver::Resolver() = default;

Resolver::~Resolver() {
  if (lookup_ == nullptr || gai_error(&lookup_->request) != EAI_INPROGRESS) return;
  if (gai_cancel(&lookup_->request) == EAI_NOTCANCELED) (void)lookup_.release();  // still written to: left behind
}

Result<std::vector<Address>> Resolver::resolve(const std::string& host, int port,
                                               const std::function<bool()>& patience) {
  addrinfo numeric{};
  numeric.ai_socktype = SOCK_STREAM;
  numeric.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &numeric, &found) == 0) {
    std::vector<Address> addresses = copy(found);
    freeaddrinfo(found);
    return addresses;
  }

  if (lookup_ == nullptr) {
    lookup_ = std::make_unique<Lookup>(host, port);  // a client has one host, or one proxy
    gaicb* list[] = {&lookup_->request};
    if (const int code = getaddrinfo_a(GAI_NOWAIT, list, 1, nullptr); code != 0) {
      lookup_.reset();
      return unknown(host, code);
    }
  }
  constexpr timespec kSlice{0, 10'000'000};  // 10 ms: how late `patience` is asked at worst
  const gaicb* list[] = {&lookup_->request};
  while (gai_error(&lookup_->request) == EAI_INPROGRESS) {
    if (!patience()) return Error{Errc::cancelled, "the name " + host + " was not found in time"};
    gai_suspend(list, 1, &kSlice);
  }
  const std::unique_ptr<Lookup> done = std::move(lookup_);
  if (const int code = gai_error(&done->request); code != 0) return unknown(host, code);
  return copy(done->request.ar_result);
}

}  // namespace fortium::net
