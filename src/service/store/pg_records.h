// Records in PostgreSQL: a schema and a role for one organization, and a pool of connections for all.
//
// A transaction begins by taking the organization's role, so that no statement of it can reach what is another's. Only
// one writer of an organization is at work at a time, whichever instance of the service it belongs to: so transactions
// never wait for each other in a circle, and what one has read is still true when it writes. Calls for two
// organizations do not wait for each other, nor do readers for writers.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/guarded.h"
#include "pg_pool.h"
#include "records.h"

namespace fortium::service {

class PgRecords final : public Records {
 public:
  // The pool must outlive it. `device_id`: of records that name none.
  PgRecords(PgPool& pool, std::string place, std::string device_id)
      : pool_(pool), place_(std::move(place)), device_id_(std::move(device_id)) {}

  Result<void> ask(const std::function<Result<void>(metrics::Reader&)>& work) override;
  Result<void> at_one_moment(const std::function<Result<void>(Snapshot&)>& work) override;
  Result<void> put_rows(const Table& table, std::span<const schema::Row> rows) override;
  Result<std::int64_t> erase(std::string_view user_id) override;
  Result<std::int64_t> expire(const metrics::Kind& kind, WallTime before) override;

 private:
  Result<std::vector<metrics::Stored>> append_all(std::span<metrics::Event> events,
                                                  const std::vector<bool>& stamped) override;
  Result<void> settle() override { return {}; }  // PostgreSQL has it on the disk when it says that it is committed

  PgPool& pool_;
  const std::string place_, device_id_;
};

class PgDepot final : public Depot {
 public:
  PgDepot(const std::string& url, const Clock& clock, std::size_t most_connections)
      : clock_(clock), pool_(url, clock, most_connections) {}

  std::string place_for(std::string_view tenant_id) const override;
  Result<void> create(const std::string& place) override;
  Result<void> remove(const std::string& place) override;
  Result<std::shared_ptr<Records>> find(const std::string& place) override;
  void forget(const std::string& place) override;
  // Closes what was not used for a while.
  void rest() override;

 private:
  struct Entry {
    std::shared_ptr<PgRecords> records;
    SteadyTime used{};
  };
  using Entries = std::unordered_map<std::string, Entry>;

  const Clock& clock_;
  PgPool pool_;
  Guarded<Entries> entries_;
};

}  // namespace fortium::service
