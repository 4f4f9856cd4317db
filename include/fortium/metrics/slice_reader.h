// Every question of Reader, answered from what a store has at hand: slices of whole hours, and records.
//
// Stores differ in how they are asked, not in what the answers mean: so what is counted how is here, once. A store
// tells the few things that are declared below. As Reader, one instance belongs to one thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/metrics/event.h"
#include "fortium/metrics/report.h"

namespace fortium::metrics {

using TakeSlice = std::function<bool(const Slice&)>;
using TakeEvent = std::function<bool(const Event&)>;

class SliceReader : public Reader {
 public:
  Result<void> slices(const Period& period, Millis phase, const Wanted& wanted, const TakeSlice& take) final;
  Result<void> session_hours(const Period& period, Millis phase, const Within& within,
                             const SessionHours::Take& take) final;
  Result<void> name_spans(const Period& period, const Wanted& wanted, const NameSpans::Take& take) final;
  Result<Summary> summary(const Period& period) final;
  Result<std::vector<Usage>> usage(const Kind& kind, const Period& period, std::string_view only,
                                   std::int64_t limit) final;
  Result<std::vector<Session>> sessions(const Period& period, std::int64_t limit) final;
  Result<std::optional<Session>> session(std::string_view id) final;
  Result<std::vector<Person>> people(const Period& period) final;
  Result<std::vector<Day>> days(const Period& period) final;
  Result<std::vector<std::string>> words(std::string_view field, const Period& period, std::int64_t limit) final;

 protected:
  // Everything that `work` asks for is of one moment. The functions below are called within it.
  virtual Result<void> at_one_moment(const std::function<Result<void>()>& work) = 0;
  // The slices of whole hours, `from` to before `until`, in order of hours. False: `take` has said no.
  virtual Result<bool> each_slice(std::int64_t from, std::int64_t until, const Wanted& wanted,
                                  const TakeSlice& take) = 0;
  // For stores that keep slices added up by session: of the same hours, as far as they do. The hour that comes next.
  virtual Result<std::int64_t> each_session_hour(std::int64_t from, std::int64_t /*until*/, const Within& /*within*/,
                                                 const SessionHours::Take& /*take*/) {
    return from;
  }
  // The same for slices added up by name, in spans of so many hours (one of kSpans): these are counted, since 1970.
  virtual Result<std::int64_t> each_name_span(std::int64_t /*hours*/, std::int64_t from, std::int64_t /*until*/,
                                              const Wanted& /*wanted*/, const NameSpans::Take& /*take*/) {
    return from;
  }
  // Whole records, the oldest first, until `take` says no; of one session, if given.
  virtual Result<void> each_record(const Kind& kind, const Period& period, std::string_view session,
                                   const TakeEvent& take) = 0;
  // The same of all sessions, in any order; of their fields those that slices depend on are enough.
  virtual Result<void> each_sliced(const Kind& kind, const Period& period, const TakeEvent& take) {
    return each_record(kind, period, "", take);
  }
  // When the first record of the period happened.
  virtual Result<std::optional<WallTime>> first_record(const Period& period) = 0;
  // From the begin of its first day to the end of its last, UTC; empty for a session that is not known.
  virtual Result<Period> days_of(std::string_view session) = 0;
  // As Reader::words, of these kinds, whose records have the field.
  virtual Result<std::vector<std::string>> words_of_records(std::string_view field,
                                                            const std::vector<const Kind*>& kinds, const Period& period,
                                                            std::int64_t limit) = 0;

 private:
  // Of what was added up before, as far as there is such, whatever is whole in the period (`each`, of so long units,
  // counted since 1970), of the longest units first, and the rest from slices, which end with `finish`. `more`: whether
  // who takes all that has not said no.
  struct AddedUp {
    std::span<const Millis> units;
    std::function<Result<std::int64_t>(Millis unit, std::int64_t from, std::int64_t until)> each;
    TakeSlice add;
    std::function<bool()> finish;
    const bool& more;
  };
  Result<void> added_up(const Period& period, const Wanted& wanted, const AddedUp& from);
  Result<void> fold_sessions(const Period& period, const Within& within, const SessionHours::Take& take);
  Result<void> fold_names(const Period& period, const Wanted& wanted, const NameSpans::Take& take);
  // The slices of a period: of whole hours from their table. Of hours that the period cuts there may be more than is
  // wanted.
  Result<void> fold(const Period& period, const Wanted& wanted, const TakeSlice& take);
  Result<bool> part_of_hour(std::int64_t hour, const Period& period, const Wanted& wanted, const TakeSlice& take);
  Result<bool> slices_of_records(const Period& period, Millis phase, const Wanted& wanted, const TakeSlice& take);
  // Whole sessions (src/metrics/session_reader.cpp).
  Result<std::vector<Session>> describe(const std::vector<std::string>& ids);
  Result<std::vector<std::string>> words_of_slices(std::string_view field, const Period& period, std::int64_t limit);
};

}  // namespace fortium::metrics
