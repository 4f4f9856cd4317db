// How long somebody worked, from slices: a minute in which a session has a record is active, and so are up to
// kMostIdleMinutes without one between two that have. Sessions are added up, also where they overlap; records without a
// session do not count. Value; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "fortium/metrics/slice.h"

namespace fortium::metrics {

constexpr std::int64_t kMostIdleMinutes = 5;

class ActiveTime {
 public:
  // Hours must not go back; within an hour the order is free.
  void add(const Slice& slice);
  Millis total() const;
  // How many there were.
  std::int64_t sessions() const { return static_cast<std::int64_t>(sessions_.size()); }

 private:
  struct Session {
    std::int64_t hour = 0;      // that is being added up
    std::uint64_t minutes = 0;  // touched in it
    std::int64_t before = -1;   // the last touched minute before it, since 1970; -1: none
    std::int64_t active = 0;    // minutes before it
  };
  static Session done(Session session);

  std::map<std::string, Session, std::less<>> sessions_;
};

}  // namespace fortium::metrics
