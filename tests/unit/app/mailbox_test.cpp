// What is logged anywhere comes to the loop, in order and in bounded memory.
#include "app/mailbox.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <string>
#include <thread>

using namespace fortium;
using namespace fortium::app;

namespace {

bool is_readable(const Mailbox& mailbox) {
  pollfd fd{mailbox.fd(), POLLIN, 0};
  return ::poll(&fd, 1, 0) == 1;
}

}  // namespace

TEST_CASE("messages of every thread and level arrive, and wake") {
  Mailbox mailbox;
  CHECK(mailbox.take().empty());
  CHECK_FALSE(is_readable(mailbox));
  log_debug("one");
  std::thread([] { log_warn("sync: two"); }).join();
  CHECK(is_readable(mailbox));
  const auto messages = mailbox.take();
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].text == "one");
  CHECK(messages[0].level == LogLevel::debug);
  CHECK(messages[1].text == "sync: two");
  CHECK(messages[1].level == LogLevel::warn);
  CHECK(mailbox.take().empty());
}

TEST_CASE("of too many the oldest go") {
  Mailbox mailbox;
  for (std::size_t i = 0; i < Mailbox::kMost + 3; ++i) log_info(std::to_string(i));
  const auto messages = mailbox.take();
  REQUIRE(messages.size() == Mailbox::kMost);
  CHECK(messages.front().text == "3");
}

TEST_CASE("nobody hears of it when it is gone") {
  { const Mailbox gone; }
  log_warn("to nobody");
  Mailbox mailbox;
  CHECK(mailbox.take().empty());
}
