// Is everything that was recorded here counted there? Two ends are compared by day and kind: count and digest first,
// which is instant over years, and ids only where those differ.
//
// What waits to be delivered, or was set aside with a reason, is no error: it is told apart. Recording and delivering
// may go on meanwhile. Calls block as their ends do; values and pure functions otherwise.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/hash.h"
#include "fortium/base/result.h"

namespace fortium::sync {

// Days of `timestamp` in UTC, as "2026-01-02"; both ends belong to it.
struct Days {
  std::string from = "2000-01-01";
  std::string to = "9999-12-31";
};

struct LedgerKey {
  std::string day;
  std::size_t kind = 0;  // index into metrics::kinds()

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes its comparison with 0 for one of pointers
  auto operator<=>(const LedgerKey&) const = default;
};

struct Tally {
  std::int64_t count = 0;
  LedgerDigest digest;

  bool operator==(const Tally&) const = default;
  void add(std::string_view id) {
    ++count;
    digest.add(id);
  }
  void add(const Tally& other) {
    count += other.count;
    digest.add(other.digest);
  }
  void remove(const Tally& other) {
    count -= other.count;
    digest.remove(other.digest);
  }
};

using Ledger = std::map<LedgerKey, Tally>;

struct Held {
  enum class State { delivered, waiting, set_aside };
  std::string id;
  State state = State::delivered;
};

// What this installation recorded for one destination. Ledgers count every record ever made; the records themselves may
// have been let go since.
class LocalLedger {
 public:
  virtual ~LocalLedger() = default;
  virtual Result<Ledger> tallies(const Days& days) = 0;
  struct Undelivered {
    Ledger waiting, set_aside;
  };
  virtual Result<Undelivered> undelivered() = 0;
  // One row, and the records of it that are still here, all of one moment.
  struct Row {
    Tally recorded;
    std::vector<Held> held;
  };
  virtual Result<Row> row(const LedgerKey& key) = 0;
  // For each id: was such a record made here, for whomever, and whether or not it is still here?
  virtual Result<std::vector<bool>> known(std::size_t kind, std::span<const std::string> ids) = 0;
};

// What the service counted of this installation. Errors: unavailable (nobody answers like a service), unauthorized,
// not_found (it keeps no ledger), invalid (it does not understand us).
class RemoteLedger {
 public:
  virtual ~RemoteLedger() = default;
  virtual Result<Ledger> tallies(const Days& days) = 0;
  virtual Result<std::vector<std::string>> ids(const LedgerKey& key) = 0;
  // For each id, as the service keeps it: is there such a record, whoever told it first? No for all, where the service
  // cannot be asked this.
  virtual Result<std::vector<bool>> counted(std::size_t kind, std::span<const std::string> ids) = 0;
  // The id under which the service keeps a record that has this one here: UUIDs in lower case, other text hashed.
  virtual Result<std::string> kept_as(std::string_view id) = 0;
};

// One day and kind. local - lost - missing - waiting - set_aside - twice_told + extra = remote, unless records moved
// meanwhile.
struct DayResult {
  LedgerKey key;
  std::int64_t local = 0;
  std::int64_t remote = 0;
  std::int64_t waiting = 0;
  std::int64_t set_aside = 0;
  std::int64_t twice_told = 0;  // counted there once, as somebody else (telemetry, another installation) told it first
  std::int64_t lost = 0;        // missing there, and no longer here to be sent again
  std::vector<std::string> missing;  // missing there, and here: by id
  std::vector<std::string> extra;    // there, and never recorded here

  bool ok() const { return lost == 0 && missing.empty() && extra.empty(); }
};

struct Comparison {
  std::vector<DayResult> days;  // every day and kind that either end has, in order

  bool ok() const;
};

Result<Comparison> compare(LocalLedger& here, RemoteLedger& there, const Days& days);

}  // namespace fortium::sync
