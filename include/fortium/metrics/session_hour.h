// What one session did in one hour, whatever the names: slices (slice.h) added up once more, for answers about long
// periods. Values; any thread. Sums stop at INT64_MAX, and the order of slices changes nothing.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "fortium/metrics/slice.h"

namespace fortium::metrics {

struct SessionHour {
  std::int64_t hour = 0;                    // see hour_of
  std::string session_id, project, source;  // empty where the records have none
  std::array<std::int64_t, kKindCount> counts{};
  std::array<std::int64_t, std::size(kStatuses)> by_status{};  // of commands, tool calls and agents
  std::int64_t input_tokens = 0, output_tokens = 0, cache_read_tokens = 0, cache_creation_tokens = 0;  // of requests
  std::int64_t priced = 0, cost_nano_usd = 0;                                                          // of requests
  std::uint64_t minutes = 0;
  WallTime first{}, last{};

  void add(const Slice& slice);
  // All of it, after the one before of its day of UTC, if any. The same hours give the same bytes.
  void append_to(std::string& bytes, const SessionHour* before) const;
  // Takes the next one of that day from the front, into this, which is the one before. False: append_to() never gives
  // that.
  bool take_from(std::string_view& bytes, std::int64_t day, bool is_first);
  std::int64_t errors() const { return by_status[1] + by_status[2] + by_status[3]; }
  friend bool operator==(const SessionHour&, const SessionHour&) = default;
};

// Makes them from slices that come in order of their hours.
class SessionHours {
 public:
  using Take = std::function<bool(const SessionHour&)>;
  // `take` is called when an hour is over.
  explicit SessionHours(Take take) : take_(std::move(take)) {}

  // False: `take` has said no.
  bool add(const Slice& slice);
  bool finish();

 private:
  const Take take_;
  std::map<std::tuple<std::string, std::string, std::string>, SessionHour> now_;
};

}  // namespace fortium::metrics
