// How long somebody worked, from slices or hours of sessions: a minute in which a session has a record is active, and
// so are up to kMostIdleMinutes without one between two that have. Sessions are added up, also where they overlap;
// records without a session do not count. Value; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fortium/metrics/slice.h"

namespace fortium::metrics {

constexpr std::int64_t kMostIdleMinutes = 5;
// Active minutes in a row are a stretch; one of at least this length counts as focus.
constexpr std::int64_t kFocusMinutes = 25;

class ActiveTime {
 public:
  // Hours of a session must not go back; within an hour the order is free. `phase`: of the hour. Without a session
  // nothing is added.
  void add(std::string_view session, std::int64_t hour, std::uint64_t minutes, Millis phase = Millis(0));
  void add(const Slice& slice, Millis phase = Millis(0)) {
    add(slice.key.session_id, slice.key.hour, slice.figures.minutes, phase);
  }
  Millis total() const;
  // What of it was in stretches of focus.
  Millis focused() const;
  // How many there were.
  std::int64_t sessions() const { return static_cast<std::int64_t>(sessions_.size()); }

 private:
  struct Session {
    std::int64_t hour = 0;      // first minute, since 1970, of the hour that is being added up
    std::uint64_t minutes = 0;  // touched in it
    std::int64_t begin = 0;     // of the stretch at hand
    std::int64_t end = 0;       // of it: the minute after the last one touched; none, if it is the begin
    std::int64_t active = 0;    // minutes of the stretches before it
    std::int64_t focused = 0;   // of these, in those that were long enough

    void end_hour();
    void end_stretch();
  };
  // When all has been said.
  static Session ended(Session session);

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> places_;  // in sessions_, by id
  std::vector<Session> sessions_;
  std::string last_id_;   // of the one that was added to last, as hours of a session often come in a row,
  std::size_t last_ = 0;  // and its place
};

}  // namespace fortium::metrics
