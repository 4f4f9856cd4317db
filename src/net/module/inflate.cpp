#include "inflate.h"

#include <algorithm>

namespace fortium::net {

Inflate::Inflate() {
  constexpr int kGzipOrZlib = 15 + 32;  // the largest window, the frame as it comes
  ready_ = inflateInit2(&stream_, kGzipOrZlib) == Z_OK;
}

Inflate::~Inflate() {
  if (ready_) inflateEnd(&stream_);
}

Inflate::Fed Inflate::feed(std::string_view bytes, std::string& out, std::int64_t most) {
  if (!ready_) return Fed::damaged;
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib does not write there
  stream_.avail_in = static_cast<uInt>(bytes.size());
  char piece[16 << 10];
  do {
    if (whole_ && stream_.avail_in > 0) {  // gzip allows one member after another
      inflateReset(&stream_);
      whole_ = false;
    }
    stream_.next_out = reinterpret_cast<Bytef*>(piece);
    stream_.avail_out = sizeof piece;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return Fed::damaged;
    const std::size_t got = sizeof piece - stream_.avail_out;
    if (static_cast<std::int64_t>(out.size() + got) > most) return Fed::too_large;
    out.append(piece, got);
    whole_ = code == Z_STREAM_END;
    // A full piece may have left more in the window, although all input is taken.
  } while (stream_.avail_in > 0 || (stream_.avail_out == 0 && !whole_));
  return Fed::fine;
}

}  // namespace fortium::net
