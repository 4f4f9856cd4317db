// How much each of many may do in a while (a minute, mostly): a window that slides by a sixtieth, and a tenth more for
// a burst.
//
// In memory: of several instances each counts by itself, so all of them together let through at most their number times
// the limit. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "fortium/base/clock.h"
#include "fortium/base/guarded.h"

namespace fortium::service {

struct Quota {
  std::int64_t units = 0;    // in the time of the window
  std::int64_t backlog = 0;  // beside them, for all but the first unit of a request; comes back at `units` a window

  bool operator==(const Quota&) const = default;
};

struct Standing {
  bool allowed = true;
  bool ever = true;  // false: it is more than the whole of the limit
  std::int64_t limit = 0;
  std::int64_t remaining = 0;  // of the limit, the burst aside
  WallTime reset{};            // all of the limit is there again
  Millis retry_after{};        // of what was not allowed
};

// What becomes of who goes on asking while they are refused.
enum class Insisting {
  forgiven,  // refused requests are not counted: the limit is exact
  counted,   // nothing is granted until they pause
};

class RateLimit {
 public:
  RateLimit(Quota quota, const Clock& clock, Millis time = Millis(60'000), Insisting insisting = Insisting::forgiven);
  // Of one of them, from now on; what was used stays used. Nothing: the quota of all.
  void set(const std::string& who, std::optional<Quota> quota);
  Quota quota(const std::string& who);
  // Takes the units if they are there, and nothing if not.
  Standing charge(const std::string& who, std::int64_t units);
  // As if one more unit was asked for, without taking it.
  Standing look(const std::string& who);

 private:
  static constexpr std::size_t kSlots = 60;
  struct Window {
    Quota quota;
    std::array<std::int64_t, kSlots> units{};  // of each slot, by its number modulo kSlots
    std::int64_t slot = 0;                     // the newest
    std::int64_t used = 0;                     // all of them
    std::int64_t spent = 0;                    // of the backlog, in sixtieths of a unit
  };
  using Windows = std::unordered_map<std::string, Window>;
  struct Ask {
    std::int64_t from_window = 0;
    std::int64_t from_backlog = 0;
    bool take = false;
  };

  Window& window(Windows& windows, const std::string& who);
  static void slide(Window& window, std::int64_t slot);
  static Ask split(const Window& window, std::int64_t units, bool take);
  Standing weigh(const Window& window, const Ask& ask) const;
  Standing ask(const std::string& who, std::int64_t units, bool take);
  std::int64_t slot() const;

  const Quota quota_;
  const Clock& clock_;
  const Millis slot_time_;
  const Insisting insisting_;
  Guarded<Windows> windows_;
};

}  // namespace fortium::service
