// rpc::Channel over file descriptors, and the guard that keeps everything but protocol off standard output.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "fortium/rpc/channel.h"

namespace fortium::rpc {

// Points descriptor 1 at standard error and returns a new descriptor for what it was: a stray print cannot corrupt the
// protocol any more.
Result<int> guard_stdout();

class FdChannel final : public Channel {
 public:
  // Readable `wake_fd` means: stop. Readable `call_fd`, an eventfd, means: come back from waiting, once. The
  // descriptors stay the caller's.
  FdChannel(int in_fd, int out_fd, int wake_fd, int call_fd = -1);

  Read read(std::vector<Line>& lines, std::optional<Millis> idle_after) override;
  Read glance(std::vector<Line>& lines) override;
  bool is_writable() override;
  Result<void> write(std::string_view text) override;

 private:
  // Bytes that were read. Unlike a string, room is not filled with zeros before it is read into.
  struct Bytes {
    std::unique_ptr<char[]> data;
    std::size_t size = 0, room = 0;

    std::string_view view() const { return {data.get(), size}; }
    // Room for `more` bytes behind those that are there.
    char* reserve(std::size_t more);
    void append(std::string_view text);
    void erase_front(std::size_t count);
  };
  // Bytes as they come, and the lines among them.
  struct Intake {
    Bytes bytes;
    std::size_t taken = 0;      // of bytes, handed out
    std::size_t searched = 0;   // of bytes, known to hold no line end
    std::int64_t dropping = 0;  // bytes dropped of a line that is too long; 0: none

    // Moves what follows the lines already handed out to the front.
    void compact();
    void split(std::vector<Line>& lines);
    void end();  // the last line may lack its end
  };

  // One read; false: come again.
  bool take(Intake& intake);
  bool stop_asked(int timeout_ms, int fd, short events);

  const int in_fd_, out_fd_, wake_fd_, call_fd_;
  bool out_is_socket_ = false;
  bool ended_ = false;
  Intake now_;                  // what read() gives
  std::optional<Intake> next_;  // what glance() gave, which becomes `now_` at the next read
};

}  // namespace fortium::rpc
