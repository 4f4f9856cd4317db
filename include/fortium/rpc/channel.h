// Lines in, lines out: the transport of MCP over stdio, as the server sees it.
//
// read() gives every complete line that is already there, so that they can share one commit. Memory is bounded: a line
// beyond kMaxLineBytes is dropped while it arrives, and reported. write() is atomic for the peer: whole lines, in
// order; it waits for a peer that does not read, and nothing is read meanwhile. Who works long uses glance() and
// is_writable(), which do not wait. One instance belongs to one thread; another thread or a signal may end the waiting
// by what the implementation offers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"

namespace fortium::rpc {

constexpr std::int64_t kMaxLineBytes = 4 << 20;

struct Line {
  std::string_view text;     // without its end; until the next read or glance that gave it
  std::int64_t dropped = 0;  // bytes of a line that was too long; then there is no text
};

enum class Read {
  lines,  // at least one
  idle,   // nothing came for `idle_after`, or somebody called
  end,    // no more will come: end of input, or asked to stop. There may be a last line
};

class Channel {
 public:
  virtual ~Channel() = default;
  virtual Read read(std::vector<Line>& lines, std::optional<Millis> idle_after) = 0;
  // Lines that have come since, which read() will not give again. Those that the last read() gave stay valid.
  virtual Read glance(std::vector<Line>& lines) = 0;
  // Some bytes can be written without waiting.
  virtual bool is_writable() = 0;
  // cancelled: asked to stop while the peer did not read. unavailable: the peer is gone.
  virtual Result<void> write(std::string_view text) = 0;
};

}  // namespace fortium::rpc
