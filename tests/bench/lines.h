// What the two floor programs share: lines in from stdin, bytes out to stdout, nothing between.
#pragma once

#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>

namespace bench {

// Bytes that stdin has handed out and that are not used up yet.
class Lines {
 public:
  // Waits for more input. False at its end.
  bool fill() {
    buffer_.erase(0, used_);
    used_ = 0;
    const std::size_t kept = buffer_.size();
    buffer_.resize(kept + kRead);
    const ssize_t got = read(STDIN_FILENO, &buffer_[kept], kRead);
    buffer_.resize(kept + static_cast<std::size_t>(got > 0 ? got : 0));
    return got > 0;
  }

  // The next complete line that is already here. Valid until fill().
  bool next(std::string_view& line) {
    const std::size_t end = buffer_.find('\n', used_);
    if (end == std::string::npos) return false;
    line = std::string_view(buffer_).substr(used_, end - used_);
    used_ = end + 1;
    return true;
  }

 private:
  static constexpr std::size_t kRead = 64 * 1024;  // more than 64 calls that wait together

  std::string buffer_;
  std::size_t used_ = 0;
};

inline bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace bench
