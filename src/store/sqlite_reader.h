// metrics::Reader in SQLite.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "database.h"
#include "fortium/metrics/event.h"
#include "fortium/metrics/report.h"

namespace fortium::store {

class SqliteReader final : public metrics::Reader {
 public:
  explicit SqliteReader(Database& database) : database_(database) {}

  void while_reading(const std::function<bool()>& go_on) override { go_on_ = go_on; }
  Result<void> slices(const metrics::Period& period, Millis phase,
                      const std::function<bool(const metrics::Slice&)>& take) override;
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
  Result<bool> slices_of_records(const metrics::Period& period, Millis phase,
                                 const std::function<bool(const metrics::Slice&)>& take);
  Result<std::optional<WallTime>> next_record(const metrics::Period& period);
  Result<metrics::Percentiles> percentiles(const std::string& table, const std::string& column,
                                           const metrics::Period& period, const metrics::Usage& of);
  Result<metrics::Trend> trend(const std::string& table, const std::string& column, const metrics::Period& period,
                               std::string_view name);
  Result<metrics::Session> describe(std::string_view id);
  // From the begin of its first day to the end of its last, UTC; empty for a session that is not known.
  Result<metrics::Period> days_of(std::string_view session);
  Result<std::vector<std::string>> names(std::string_view column, std::string_view table, std::string_view session,
                                         const metrics::Period& days);

  Db::Watch watch() { return Db::Watch(database_.db(), go_on_); }

  Database& database_;
  std::function<bool()> go_on_;
  std::int64_t counted_at_ = -1;  // changes that were seen when `counts_` was read
  std::vector<std::int64_t> counts_;
};

// The whole records of a kind with since <= timestamp < until, the oldest first, until `take` says no.
Result<void> each_record(Database& database, const metrics::Kind& kind, WallTime since, WallTime until,
                         const std::function<bool(const metrics::Event&)>& take);
// The newest records of all kinds, the newest first.
Result<std::vector<metrics::Event>> newest_records(Database& database, std::int64_t limit);
// Records by kind, over all days, in the order of metrics::kinds(): from the ledger, so retention does not change it.
Result<std::vector<std::int64_t>> count_records(Database& database);

}  // namespace fortium::store
