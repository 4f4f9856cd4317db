#include "gzip.h"

#include <zlib.h>

#include <algorithm>

namespace fortium::service {

namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window, in gzip's frame
constexpr std::size_t kFirst = 64 * 1024;

class Inflater {
 public:
  Inflater() : ready_(inflateInit2(&stream, kGzipWindow) == Z_OK) {}
  ~Inflater() {
    if (ready_) inflateEnd(&stream);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  bool ready() const { return ready_; }

  z_stream stream{};

 private:
  bool ready_;
};

}  // namespace

Result<std::string> gunzip(std::string_view packed, std::size_t limit) {
  Inflater inflater;
  if (!inflater.ready()) return Error{Errc::unavailable, "no memory to unpack a body"};
  z_stream& stream = inflater.stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));  // zlib does not write there
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  std::size_t filled = 0;
  while (true) {
    // One byte beyond the limit tells "exactly the limit" from "more".
    if (filled == out.size()) out.resize(std::min(limit + 1, std::max(kFirst, out.size() * 2)));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
    stream.avail_out = static_cast<uInt>(out.size() - filled);
    const int code = inflate(&stream, Z_NO_FLUSH);
    filled = out.size() - stream.avail_out;
    if (filled > limit) return Error{Errc::full, "the body is more than " + std::to_string(limit) + " bytes unpacked"};
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0) break;
      if (inflateReset(&stream) != Z_OK) return Error{Errc::invalid, "the body is not gzip data"};  // another member
    } else if (code != Z_OK || (stream.avail_in == 0 && stream.avail_out != 0)) {
      return Error{Errc::invalid, "the body is not whole gzip data"};
    }
  }
  out.resize(filled);
  return out;
}

}  // namespace fortium::service
