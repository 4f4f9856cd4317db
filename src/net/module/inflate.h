// A compressed answer, piece by piece, with a limit on what comes out of it: a few kilobytes can hold gigabytes.
//
// In place of httplib's own, which loses the end of an answer that is still in zlib's window when the input ends. Not
// thread-safe.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fortium::net {

class Inflate {
 public:
  enum class Fed { fine, too_large, damaged };

  Inflate();
  ~Inflate();
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;

  // Appends to `out`, which does not grow beyond `most`.
  Fed feed(std::string_view bytes, std::string& out, std::int64_t most);
  // The last member came to its end.
  bool whole() const { return whole_; }

 private:
  z_stream stream_{};
  bool ready_ = false;
  bool whole_ = false;
};

}  // namespace fortium::net
