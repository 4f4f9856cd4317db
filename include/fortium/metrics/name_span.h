// How one name was used in some hours of UTC, in whosever sessions and whichever project: slices (slice.h) added up
// once more, for answers about long periods. Values; any thread. Sums stop at INT64_MAX, and the order of slices
// changes nothing.
//
// How many records each hour had is kept, so that days of any time zone of whole hours can be told from it; and in
// which projects something did not succeed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fortium/metrics/slice.h"

namespace fortium::metrics {

// Hours in a span, the longest first: eight days, a day, an hour. Each begins at a multiple of its length since 1970.
constexpr std::int64_t kSpans[] = {192, kHoursADay, 1};

struct NameSpan {
  std::int64_t begin = 0;  // its first hour, since 1970
  std::size_t kind = 0;    // index of it in kinds()
  std::string name;
  Figures figures;                                           // without minutes and durations
  std::string durations;                                     // these, as Durations::bytes(), where they are wanted
  std::vector<std::pair<std::int64_t, std::int64_t>> hours;  // in order, that have records, and how many
  std::int64_t first_bad = 0, last_bad = 0;                  // hours in which something did not succeed, if any
  std::vector<std::pair<std::string, std::int64_t>> bad_projects;  // and how often; sorted, each once

  // All but its durations. Hours must not go back.
  void add(const Slice& slice);
  // All but begin and kind. The same spans give the same bytes.
  void append_to(std::string& bytes) const;
  // Takes the next one from the front, into this, whose begin is known. False: append_to() never gives that.
  bool take_from(std::string_view& bytes, bool with_durations);
  // What to say of damaged ones.
  static Error senseless() { return {Errc::corrupt, "a span of a name has figures that make no sense"}; }
  friend bool operator==(const NameSpan&, const NameSpan&) = default;
};

// Makes them from slices that come in order of their hours.
class NameSpans {
 public:
  using Take = std::function<bool(const NameSpan&)>;
  // Of so many hours. `take` is called when they are over, in order of kind and name.
  NameSpans(std::int64_t hours, bool durations, Take take)
      : hours_(hours), durations_(durations), take_(std::move(take)) {}

  // False: `take` has said no.
  bool add(const Slice& slice);
  bool finish();

 private:
  struct Both {
    NameSpan span;
    Durations durations;
  };
  const std::int64_t hours_;
  const bool durations_;
  const Take take_;
  std::map<std::pair<std::size_t, std::string>, Both> now_;
};

}  // namespace fortium::metrics
