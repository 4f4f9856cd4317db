#include "mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace fortium::app {

Mailbox::Mailbox() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  listen_to_log([this](LogLevel level, std::string_view text) { put(level, text); });
}

Mailbox::~Mailbox() {
  listen_to_log(nullptr);
  if (fd_ >= 0) ::close(fd_);
}

std::vector<Mailbox::Message> Mailbox::take() {
  return messages_.with([](std::vector<Message>& all) { return std::exchange(all, {}); });
}

void Mailbox::put(LogLevel level, std::string_view text) {
  messages_.with([&](std::vector<Message>& all) {
    if (all.size() == kMost) all.erase(all.begin());
    all.push_back({level, std::string(text)});
  });
  const std::uint64_t one = 1;
  if (::write(fd_, &one, sizeof one) < 0) {
    // it cannot be fuller than readable
  }
}

}  // namespace fortium::app
