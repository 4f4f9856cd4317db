// How one name was used on one day of UTC, in whosever sessions: slices (slice.h) added up once more, for answers about
// long periods. Values; any thread. Sums stop at INT64_MAX, and the order of slices changes nothing.
//
// Which hours its records were in is kept, so that days of any time zone of whole hours can be told from it.
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

constexpr std::int64_t kHoursADay = 24;

struct NameDay {
  std::int64_t day = 0;  // since 1970
  std::size_t kind = 0;  // index of it in kinds()
  std::string name, project, source;
  Figures figures;                                 // without minutes
  std::array<std::int64_t, kHoursADay> by_hour{};  // how many records
  std::uint32_t bad_hours = 0;                     // bit n: in hour n something did not succeed

  // `durations`: those that percentiles are made of, too.
  void add(const Slice& slice, bool durations);
  // Bit n: there are records in hour n.
  std::uint32_t hours() const;
  // All but day and kind. The same rows give the same bytes.
  void append_to(std::string& bytes) const;
  // Takes the next one from the front, into this, whose day is known. False: append_to() never gives that.
  bool take_from(std::string_view& bytes, bool with_durations);
  friend bool operator==(const NameDay&, const NameDay&) = default;
};

// Makes them from slices that come in order of their hours.
class NameDays {
 public:
  using Take = std::function<bool(const NameDay&)>;
  // `take` is called when a day is over, in order of kind, name, project and source.
  NameDays(bool durations, Take take) : durations_(durations), take_(std::move(take)) {}

  // False: `take` has said no.
  bool add(const Slice& slice);
  bool finish();

 private:
  const bool durations_;
  const Take take_;
  std::map<std::tuple<std::size_t, std::string, std::string, std::string>, NameDay> now_;
};

}  // namespace fortium::metrics
