// metrics::Reader and Snapshot in PostgreSQL: what SliceReader and Records ask of a store.
//
// One moment is a transaction that sees one state (REPEATABLE READ) and may only read. Each belongs to one call.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/metrics/slice_reader.h"
#include "pg.h"
#include "records.h"

namespace fortium::service {

class PgReader final : public metrics::SliceReader {
 public:
  PgReader(Pg& pg, const std::string& place) : pg_(pg), place_(place) {}

  void while_reading(const std::function<bool()>& go_on) override { pg_.watch(go_on); }
  Result<std::vector<metrics::Recent>> recent(const metrics::Kind& kind, const metrics::Period& period,
                                              std::string_view session, std::int64_t limit) override;
  Result<std::optional<double>> average_metric(std::string_view type, const metrics::Period& period) override;
  Result<std::vector<std::int64_t>> counts() override;

 private:
  Result<void> at_one_moment(const std::function<Result<void>()>& work) override;
  Result<bool> each_slice(std::int64_t from, std::int64_t until, const metrics::Wanted& wanted,
                          const metrics::TakeSlice& take) override;
  Result<void> each_record(const metrics::Kind& kind, const metrics::Period& period, std::string_view session,
                           const metrics::TakeEvent& take) override;
  Result<std::optional<WallTime>> first_record(const metrics::Period& period) override;
  Result<metrics::Period> days_of(std::string_view session) override;
  Result<std::vector<std::string>> words_of_records(std::string_view field,
                                                    const std::vector<const metrics::Kind*>& kinds,
                                                    const metrics::Period& period, std::int64_t limit) override;
  // One statement that is a moment of its own.
  Result<PgRows> look(std::string sql, std::vector<PgParam> params);
  std::string table(const metrics::Kind& kind) const { return place_ + "." + std::string(kind.name); }

  Pg& pg_;
  const std::string& place_;
};

class PgSnapshot final : public Snapshot {
 public:
  PgSnapshot(Pg& pg, const std::string& place) : pg_(pg), place_(place) {}

  Result<std::vector<LedgerRow>> ledger_rows(const LedgerQuery& query) override;
  Result<std::vector<std::string>> ledger_ids(const LedgerRow& row, const LedgerQuery& query, std::string_view after,
                                              std::size_t most) override;
  Result<std::vector<std::string>> counted(const metrics::Kind& kind, std::span<const std::string> ids) override;
  Result<void> each_record(const metrics::Kind& kind, const metrics::Period& period, const std::optional<After>& after,
                           const metrics::TakeEvent& take) override;
  Result<void> each_slice(std::int64_t from, std::int64_t until, const metrics::TakeSlice& take) override;
  Result<void> each_row(const Table& table, const std::function<void(const schema::Row& row)>& take) override;

 private:
  Pg& pg_;
  const std::string& place_;
};

}  // namespace fortium::service
