// metrics::Reader in SQLite: what SliceReader asks of a store.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "database.h"
#include "fortium/metrics/slice_reader.h"

namespace fortium::store {

class SqliteReader final : public metrics::SliceReader {
 public:
  explicit SqliteReader(Database& database) : database_(database) {}

  void while_reading(const std::function<bool()>& go_on) override { go_on_ = go_on; }
  Result<std::vector<metrics::Recent>> recent(const metrics::Kind& kind, const metrics::Period& period,
                                              std::string_view session, std::int64_t limit) override;
  Result<std::optional<double>> average_metric(std::string_view type, const metrics::Period& period) override;
  Result<std::vector<std::int64_t>> counts() override;

 private:
  Result<void> at_one_moment(const std::function<Result<void>()>& work) override;
  Result<bool> each_slice(std::int64_t from, std::int64_t until, const metrics::Wanted& wanted,
                          const metrics::TakeSlice& take) override;
  Result<std::int64_t> each_session_hour(std::int64_t from, std::int64_t until, const metrics::Within& within,
                                         const metrics::SessionHours::Take& take) override;
  Result<std::int64_t> each_name_span(std::int64_t hours, std::int64_t from, std::int64_t until,
                                      const metrics::Wanted& wanted, const metrics::NameSpans::Take& take) override;
  Result<void> each_record(const metrics::Kind& kind, const metrics::Period& period, std::string_view session,
                           const metrics::TakeEvent& take) override;
  Result<void> each_sliced(const metrics::Kind& kind, const metrics::Period& period,
                           const metrics::TakeEvent& take) override;
  Result<std::optional<WallTime>> first_record(const metrics::Period& period) override;
  Result<metrics::Period> days_of(std::string_view session) override;
  Result<std::vector<std::string>> words_of_records(std::string_view field,
                                                    const std::vector<const metrics::Kind*>& kinds,
                                                    const metrics::Period& period, std::int64_t limit) override;

  Db::Watch watch() { return Db::Watch(database_.db(), go_on_); }

  Database& database_;
  std::function<bool()> go_on_;
  std::int64_t counted_at_ = -1;  // changes that were seen when `counts_` was read
  std::vector<std::int64_t> counts_;
};

}  // namespace fortium::store
