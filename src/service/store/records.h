// The records of one organization, wherever they are kept, and where those of all organizations are.
//
// Who holds Records can reach one organization only: which one was decided by its credential, when they were opened.
// Any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/hash.h"
#include "fortium/metrics/slice_reader.h"
#include "fortium/metrics/store.h"
#include "group.h"
#include "tables.h"

namespace fortium::service {

// Days in UTC of `timestamp`, both ends inclusive.
struct LedgerQuery {
  std::string from, to;
  std::string device_id;                // of one installation, if given
  const metrics::Kind* kind = nullptr;  // of one kind, if given
  bool ids = false;
  struct Place {  // where an answer ended: after this row, or with ids after this id of it
    std::string day, kind, id;
  } after;
};

struct LedgerRow {
  std::string day;
  const metrics::Kind* kind = nullptr;
  std::int64_t count = 0;
  LedgerDigest digest;
  std::vector<std::string> ids;  // where they were asked for
};

struct LedgerPage {
  std::vector<LedgerRow> rows;
  std::optional<LedgerQuery::Place> next;
};

// What an organization has, as it was at one moment. Belongs to the call that was given it.
class Snapshot {
 public:
  // A record in the order of time and id.
  struct After {
    WallTime timestamp{};
    std::string id;
  };
  virtual ~Snapshot() = default;
  // Of the query's page, and one more than kMaxLedgerRows if there are more.
  virtual Result<std::vector<LedgerRow>> ledger_rows(const LedgerQuery& query) = 0;
  // Up to `most` ids of a row, in order, after one.
  virtual Result<std::vector<std::string>> ledger_ids(const LedgerRow& row, const LedgerQuery& query,
                                                      std::string_view after, std::size_t most) = 0;
  // Those of these ids that a record of the kind has, or had before it was let go.
  virtual Result<std::vector<std::string>> counted(const metrics::Kind& kind, std::span<const std::string> ids) = 0;
  // Whole records of a kind in order of time and id, the oldest first, until `take` says no; after one, if given.
  virtual Result<void> each_record(const metrics::Kind& kind, const metrics::Period& period,
                                   const std::optional<After>& after, const metrics::TakeEvent& take) = 0;
  // The slices of whole hours, `from` to before `until`.
  virtual Result<void> each_slice(std::int64_t from, std::int64_t until, const metrics::TakeSlice& take) = 0;
  // A table of tables.h as it is, for copies.
  virtual Result<void> each_row(const Table& table, const std::function<void(const schema::Row& row)>& take) = 0;
};

class Records {
 public:
  virtual ~Records() = default;

  // As metrics::EventStore, for any number of threads at once: what comes while a transaction is at work shares the
  // next one. `stamped`: events that came without a time and got one here, which is then no content.
  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events, const std::vector<bool>& stamped);
  // Questions; the reader is for this call only.
  virtual Result<void> ask(const std::function<Result<void>(metrics::Reader&)>& work) = 0;
  // Removes a person's records, and what they added to sums; their ids are remembered, so that none comes back, and the
  // ledger still counts them. The number of records.
  virtual Result<std::int64_t> erase(std::string_view user_id) = 0;
  // Lets records of a kind go that happened before a time: sums and ids stay. The number.
  virtual Result<std::int64_t> expire(const metrics::Kind& kind, WallTime before) = 0;
  // What is here by day and kind, in that order. With ids, a row that does not fit one page goes on in the next: each
  // part names the row's whole count and digest.
  Result<LedgerPage> ledger(const LedgerQuery& query);
  // As of Snapshot, of a moment of its own.
  using After = Snapshot::After;
  Result<void> each_record(const metrics::Kind& kind, const metrics::Period& period, const std::optional<After>& after,
                           const metrics::TakeEvent& take);
  virtual Result<void> at_one_moment(const std::function<Result<void>(Snapshot&)>& work) = 0;
  // Rows as they are, into a place that nobody else writes to yet: it is being filled by a copy.
  virtual Result<void> put_rows(const Table& table, std::span<const schema::Row> rows) = 0;

 protected:
  // One transaction, whose records are all kept or none; durable when settle() has returned.
  virtual Result<std::vector<metrics::Stored>> append_all(std::span<metrics::Event> events,
                                                          const std::vector<bool>& stamped) = 0;
  // May run beside the next append_all().
  virtual Result<void> settle() = 0;

 private:
  Group group_;
};

// The records of all organizations, each in a place of its own.
class Depot {
 public:
  virtual ~Depot() = default;
  // A name for the place of a new organization with this id.
  virtual std::string place_for(std::string_view tenant_id) const = 0;
  virtual Result<void> create(const std::string& place) = 0;
  virtual Result<void> remove(const std::string& place) = 0;

  // not_found: the place is gone.
  virtual Result<std::shared_ptr<Records>> find(const std::string& place) = 0;
  // The next call opens it again: after a failed write nothing is known about a connection.
  virtual void forget(const std::string& place) = 0;
  // What can wait.
  virtual void rest() = 0;
};

}  // namespace fortium::service
