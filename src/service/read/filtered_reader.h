// Every question of metrics::Reader, about some of an organization's records only: those of a person, a session, a
// name, an installation. What a filter lets through is decided here, once, so whoever asks through it cannot see more.
//
// One instance belongs to one request. Each look at the store is of one moment; an answer that takes several of them
// may see what was recorded in between.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "service/access/access.h"
#include "service/store/records.h"

namespace fortium::service {

struct Filter {
  std::string user_id, session_id, device_id, name;  // empty: all

  bool operator==(const Filter&) const = default;
  bool takes(const metrics::Event& event) const;
  // The same for a slice; installations aside, which slices do not know.
  bool takes(const metrics::SliceKey& key) const;
};

// What of a filter somebody may ask for: who may view only their own records is shown those; nothing where a filter
// asks for single people, sessions or installations and its owner may view sums only.
std::optional<Filter> allowed(const Credential& who, Filter wanted);

class FilteredReader final : public metrics::SliceReader {
 public:
  // The records must outlive it. Slices do not know installations: with a device_id they are made of its records.
  FilteredReader(Records& records, Filter filter) : records_(records), filter_(std::move(filter)) {}

  void while_reading(const std::function<bool()>& go_on) override { go_on_ = go_on; }
  Result<std::vector<metrics::Recent>> recent(const metrics::Kind& kind, const metrics::Period& period,
                                              std::string_view session, std::int64_t limit) override;
  Result<std::optional<double>> average_metric(std::string_view type, const metrics::Period& period) override;
  Result<std::vector<std::int64_t>> counts() override;

 private:
  Result<void> at_one_moment(const std::function<Result<void>()>& work) override { return work(); }
  Result<bool> each_slice(std::int64_t from, std::int64_t until, const metrics::Wanted& wanted,
                          const metrics::TakeSlice& take) override;
  Result<void> each_record(const metrics::Kind& kind, const metrics::Period& period, std::string_view session,
                           const metrics::TakeEvent& take) override;
  Result<std::optional<WallTime>> first_record(const metrics::Period& period) override;
  Result<metrics::Period> days_of(std::string_view session) override;
  Result<std::vector<std::string>> words_of_records(std::string_view field,
                                                    const std::vector<const metrics::Kind*>& kinds,
                                                    const metrics::Period& period, std::int64_t limit) override;

  Records& records_;
  const Filter filter_;
  std::function<bool()> go_on_;
};

}  // namespace fortium::service
