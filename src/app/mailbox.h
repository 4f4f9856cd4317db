// Messages of the log, from whatever thread to the one loop that can tell them to a client, which they wake.
//
// Bounded: while nobody takes them the oldest go. Made before other threads are, and destroyed after them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/guarded.h"
#include "fortium/base/log.h"

namespace fortium::app {

class Mailbox {
 public:
  struct Message {
    LogLevel level;
    std::string text;
  };
  static constexpr std::size_t kMost = 100;

  Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox();

  // An eventfd that is readable once there is something new.
  int fd() const { return fd_; }
  std::vector<Message> take();

 private:
  void put(LogLevel level, std::string_view text);

  const int fd_;
  Guarded<std::vector<Message>> messages_;
};

}  // namespace fortium::app
