// metrics::Reader in SQLite.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "database.h"
#include "fortium/metrics/event.h"
#include "fortium/metrics/report.h"
#include "slices.h"

namespace fortium::store {

class SqliteReader final : public metrics::Reader {
 public:
  explicit SqliteReader(Database& database) : database_(database) {}

  void while_reading(const std::function<bool()>& go_on) override { go_on_ = go_on; }
  Result<void> slices(const metrics::Period& period, Millis phase, const TakeSlice& take) override;
  Result<metrics::Summary> summary(const metrics::Period& period) override;
  Result<std::vector<metrics::Usage>> usage(const metrics::Kind& kind, const metrics::Period& period,
                                            std::string_view only, std::int64_t limit) override;
  Result<std::vector<metrics::Session>> sessions(const metrics::Period& period, std::int64_t limit) override;
  Result<std::optional<metrics::Session>> session(std::string_view id) override;
  Result<std::vector<metrics::Recent>> recent(const metrics::Kind& kind, const metrics::Period& period,
                                              std::string_view session, std::int64_t limit) override;
  Result<std::vector<metrics::Person>> people(const metrics::Period& period) override;
  Result<std::optional<double>> average_metric(std::string_view type, const metrics::Period& period) override;
  Result<std::vector<metrics::Day>> days(const metrics::Period& period) override;
  Result<std::vector<std::string>> words(std::string_view field, const metrics::Period& period,
                                         std::int64_t limit) override;
  Result<std::vector<std::int64_t>> counts() override;

 private:
  // The slices of a period, inside a transaction: of whole hours from their table. Of one kind, if given; of hours that
  // the period cuts there are all.
  Result<void> fold(const metrics::Period& period, const metrics::Kind* kind, const TakeSlice& take);
  Result<bool> part_of_hour(std::int64_t hour, const metrics::Period& period, const TakeSlice& take);
  Result<bool> slices_of_records(const metrics::Period& period, Millis phase, const TakeSlice& take);
  Result<void> make_exact(const metrics::Kind& kind, const metrics::Period& period, std::vector<metrics::Usage>& rows);
  Result<std::vector<metrics::Session>> describe(const std::vector<std::string>& ids);
  Result<std::vector<std::string>> words_of_slices(std::string_view field, const metrics::Period& period,
                                                   std::int64_t limit);
  Result<std::vector<std::string>> words_of_records(const std::string& all, const metrics::Period& period,
                                                    std::int64_t limit);
  Result<void> add_changes(metrics::Session& out, const metrics::Period& days);
  // From the begin of its first day to the end of its last, UTC; empty for a session that is not known.
  Result<metrics::Period> days_of(std::string_view session);

  Db::Watch watch() { return Db::Watch(database_.db(), go_on_); }

  Database& database_;
  std::function<bool()> go_on_;
  std::int64_t counted_at_ = -1;  // changes that were seen when `counts_` was read
  std::vector<std::int64_t> counts_;
};

}  // namespace fortium::store
