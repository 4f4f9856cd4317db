// Brings the records of quarantined stores into the new one, in small steps, by id: doing it twice changes nothing.
//
// Records are read page by page, so that what lies on whole pages is found whatever else is broken; the queue and the
// ledger as far as they can be read as tables. A record keeps its place in the queue where it waited; where that can no
// longer be told, it is queued again, as duplicates are counted once. The ledger and the slices are brought over too,
// so that also records that are lost or were let go stay accounted for. The quarantined files are not changed. One
// instance belongs to one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "database.h"
#include "fortium/metrics/event.h"
#include "fortium/metrics/slice.h"
#include "ledger.h"
#include "page_scan.h"
#include "quarantine.h"
#include "sqlite_outbox.h"

namespace fortium::store {

class Salvage {
 public:
  explicit Salvage(std::string quarantine_dir) : dir_(std::move(quarantine_dir)) {}

  // Forgets what it knew of the quarantine: there may be more now.
  void look_again() { looked_ = false, source_.reset(); }
  // One step: a few milliseconds. True: there is more to do. An error is of the new store; the step is done again.
  Result<bool> step(Database& into);
  // Sentences for people, about what was finished since the last call.
  std::vector<std::string> take_news() { return std::exchange(news_, {}); }

 private:
  struct SetAside {
    std::int64_t since;
    std::int64_t attempts;
    std::string reason;
  };
  // One quarantined store while it is read.
  struct Source {
    Quarantined from;
    Db tables;  // empty where it cannot be opened
    PageScan pages;
    std::unordered_map<std::int64_t, std::int64_t> lanes;  // there to here
    bool queue_known = false;                              // every row of both queues could be read
    std::unordered_set<std::string> waiting;               // "kind id"
    std::unordered_map<std::string, SetAside> set_aside;   // "kind id"
    std::unordered_set<std::size_t> taken;                 // hashes of "kind id": a row is found more than once
    std::unordered_set<std::size_t> gone;                  // hashes of "kind id": let go there
    std::map<LedgerLine, sync::Tally> seen;
    metrics::Slicer slicer{Millis(0)};  // of what was seen
    std::int64_t read = 0, fresh = 0;
  };
  struct Found {
    metrics::Event event;
    std::int64_t lane = 0;  // there
  };

  Result<bool> begin(Database& into);
  Result<void> read_queue(Database& into);
  Result<void> bring_gone(Database& into);
  Result<bool> read_rows(Database& into);
  Result<void> keep(Database& into, std::vector<Found> rows);
  Result<void> finish(Database& into);
  Result<void> bring_slices(Database& into);

  const std::string dir_;
  bool looked_ = false;
  std::vector<Quarantined> left_;
  std::unique_ptr<Source> source_;
  std::vector<std::string> news_;
};

}  // namespace fortium::store
