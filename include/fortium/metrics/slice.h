// What reports are made of: the records of one hour that agree in kind, name, session, person, project and source, as
// figures that can be added up. Values; any thread.
//
// Figures are whole numbers and sets, so the order in which records come changes nothing: what is kept with every
// record, what a recount finds, and what two machines add up to are equal to the last bit. Sums stop at INT64_MAX.
//
// Hours begin at a multiple of an hour since 1970 UTC, plus a phase: 0 but for time zones that are half an hour off.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"
#include "fortium/metrics/event.h"

namespace fortium::metrics {

// Durations that can be added up and asked for percentiles. Up to kExact values are kept as they are, in microseconds;
// more are counted in bins: below 128 µs one a microsecond, above 128 a power of two (the layout of HdrHistogram).
// A percentile is the nearest rank (Hyndman and Fan, definition 1); from bins it is the middle of the bin, at most
// 1/256 away from the value of that rank.
class Durations {
 public:
  static constexpr std::size_t kExact = 32;

  void add(double ms);
  void merge(const Durations& other);
  // `common`: the part of `other` that is in this already.
  void merge(const Durations& other, const Durations& common);
  // The same of bytes(), as they are. False: they are not that, and this is of no use any more.
  bool merge_bytes(std::string_view bytes);
  std::int64_t count() const { return count_; }
  // percent from 0 (excluded) to 100, in milliseconds; 0 without values.
  double percentile(int percent) const;
  // The same durations give the same bytes, in whatever order they were added.
  std::string bytes() const;
  // Errc::corrupt for what bytes() never gives.
  static Result<Durations> from_bytes(std::string_view bytes);
  // The same into this, whose room is used again. False: they are not what bytes() gives, and this is of no use.
  bool read(std::string_view bytes);

  friend bool operator==(const Durations&, const Durations&) = default;

 private:
  using Bin = std::pair<std::int32_t, std::int64_t>;  // its number, how many are in it

  void spread();
  void count(std::int32_t bin, std::int64_t times);
  void count_sorted(const std::vector<Bin>& more, std::int64_t times);
  void keep_few();
  void give_places();
  void make_room(std::int32_t first, std::int32_t last);
  void count_into_bins(const Durations& other, std::int64_t times);
  void drop_empty_bins();
  template <class Take>
  static bool take_bins(std::string_view bytes, std::int64_t count, Take&& take);
  template <class Take>
  void each_bin(Take&& take) const;

  // What is filled depends on what was added, never on the order.
  std::int64_t count_ = 0;
  std::vector<std::int64_t> exact_;  // sorted, while there are no bins
  std::vector<Bin> bins_;            // sorted, none empty, while they are few
  std::vector<std::int64_t> all_;    // else how many are in each bin from `first_` on: whole powers of two
  std::int32_t first_ = 0;
};

// Whether records of the kind in this place of kinds() end in one of kStatuses: commands, tool calls, agents.
bool has_outcome(std::size_t kind);
// Whether slices depend on the field in this place of a record.
bool is_sliced(const Kind& kind, std::size_t field);

// Adds to a sum of what is at least 0, which stops at INT64_MAX: so the order of summands changes nothing there either.
void grow(std::int64_t& sum, std::int64_t by);

constexpr std::int64_t kHoursADay = 24;
// The hour that a time is in, and when an hour begins.
std::int64_t hour_of(WallTime time, Millis phase = Millis(0));
WallTime begin_of(std::int64_t hour, Millis phase = Millis(0));

struct Figures {
  std::int64_t count = 0;
  std::array<std::int64_t, std::size(kStatuses)> by_status{};  // in the order of kStatuses; none for kinds without one
  std::int64_t timed = 0;                                      // records with a known duration
  std::int64_t total_us = 0, min_us = 0, max_us = 0;           // of those, in microseconds
  Durations durations;
  std::int64_t input_tokens = 0, output_tokens = 0, cache_read_tokens = 0, cache_creation_tokens = 0;
  std::int64_t priced = 0;         // model requests whose cost is known
  std::int64_t cost_nano_usd = 0;  // of those, in 1e-9 US dollars
  std::uint64_t minutes = 0;       // bit n: a record in minute n of the hour
  WallTime first{}, last{};

  std::int64_t errors() const { return by_status[1] + by_status[2] + by_status[3]; }
  void add(const Event& event, Millis phase = Millis(0));
  void merge(const Figures& other);
  // The same, but for the durations: where nobody asks for percentiles, their cost is spared.
  void merge_sums(const Figures& other);
  // `common`: of the records that are in both, each to be counted once.
  void merge(const Figures& other, const Figures& common);
  friend bool operator==(const Figures&, const Figures&) = default;

 private:
  void merge_sums(const Figures& other, const Figures& common);
};

struct SliceKey {
  std::int64_t hour = 0;  // see hour_of
  std::size_t kind = 0;   // index of it in kinds()
  std::string name;       // first field of its own: command_name, tool_name, agent_name, change, metric_type, model
  std::string session_id, user_id, project, source;  // empty where the record has none

  static SliceKey of(const Event& event, Millis phase = Millis(0));
  // clang-tidy 14 takes the comparison with zero inside for one with a pointer.
  auto operator<=>(const SliceKey&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct Slice {
  SliceKey key;
  Figures figures;
};

// Adds up records into slices: the one definition of what a slice holds.
class Slicer {
 public:
  explicit Slicer(Millis phase = Millis(0)) : phase_(phase) {}

  void add(const Event& event) { slices_[SliceKey::of(event, phase_)].add(event, phase_); }
  const std::map<SliceKey, Figures>& slices() const { return slices_; }

 private:
  Millis phase_;
  std::map<SliceKey, Figures> slices_;
};

}  // namespace fortium::metrics
