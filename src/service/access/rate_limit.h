// How much each of many may do in a minute: a window that slides by the second, and a tenth more for a burst.
//
// Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "fortium/base/clock.h"
#include "fortium/base/guarded.h"

namespace fortium::service {

struct Standing {
  bool allowed = true;
  bool ever = true;  // false: it is more than the whole of the limit
  std::int64_t limit = 0;
  std::int64_t remaining = 0;  // of the limit, the burst aside
  WallTime reset{};            // all of the limit is there again
  Millis retry_after{};        // of what was not allowed
};

class RateLimit {
 public:
  RateLimit(std::int64_t units_per_minute, const Clock& clock);
  // Takes the units if they are there, and nothing if not.
  Standing charge(const std::string& who, std::int64_t units);
  // As if one more unit was asked for, without taking it.
  Standing look(const std::string& who);

 private:
  static constexpr std::size_t kSeconds = 60;
  struct Window {
    std::array<std::int64_t, kSeconds> units{};  // of each second, by its number modulo kSeconds
    std::int64_t second = 0;                     // the newest
    std::int64_t used = 0;                       // all of them
  };
  using Windows = std::unordered_map<std::string, Window>;

  static void slide(Window& window, std::int64_t second);
  Standing weigh(const Window& window, std::int64_t units, bool take) const;
  Standing ask(const std::string& who, std::int64_t units, bool take);
  std::int64_t second() const;

  const std::int64_t limit_;
  const std::int64_t most_;  // with the burst
  const Clock& clock_;
  Guarded<Windows> windows_;
};

}  // namespace fortium::service
