// This machine's store: opened when it is first needed, and never a reason to lose a record.
//
// What the file cannot take now (locked, full, newer) goes to the spool and is merged when the file is well again; only
// when that fails too is the record refused. What is told by a hook is left in the inbox, and means something when the
// file is open: whoever opens or reads it takes what was left. A damaged file, or one that is no store of ours, is
// moved whole to quarantine/, a new one is begun at once, and what can be read of the old one is brought over when
// nobody waits. One instance belongs to one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "checkup.h"
#include "database.h"
#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"
#include "fortium/metrics/note.h"
#include "fortium/metrics/store.h"
#include "inbox.h"
#include "salvage.h"
#include "spool.h"
#include "sqlite_outbox.h"
#include "sqlite_store.h"

namespace fortium::store {

// Pages in the log before it is moved to the file when nobody waits.
constexpr int kFramesIdle = 1'000;

struct LocalOptions {
  std::string data_dir;
  Durability durability = Durability::full;
  Millis lock_wait{5'000};
  Destination destination;  // empty: nobody is to get the records
  std::int64_t max_bytes = 1LL << 30;
  std::int64_t retention_days = 400;
  bool refuse_when_full = false;   // in remote mode, without a local fallback
  metrics::Understand understand;  // what is left in the inbox; without it, it stays there
};

class LocalStore final : public metrics::EventStore {
 public:
  LocalStore(LocalOptions options, const Clock& clock, Entropy& entropy);

  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events) override { return append(events, {}); }
  // With changes of what is open, in one transaction. They go to the file only: what the spool takes are records.
  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events, const metrics::Changes& changes);

  // Many, in one transaction. If the file does not take them together, portions of them, and what it does not take goes
  // to the spool: after an error some may be kept.
  Result<std::vector<metrics::Stored>> append(const metrics::EventPack& events);

  // What was told of a session, and what was left before it: durable when it returns ok. It is left in the inbox,
  // unless the file is open here or too much has been left.
  Result<void> take(const metrics::Note& note);

  // The open file, for reading, with everything that was left in the inbox; opened if it was not.
  Result<Database*> database();
  Result<std::int64_t> lane();
  Spool& spool() { return spool_; }
  // How often an open file was let go, and a Database with it: addresses are used again, so they tell nothing.
  std::int64_t times_closed() const { return times_closed_; }
  // Why records go to the spool now; empty when they do not.
  const std::string& trouble() const { return trouble_; }

  // When no reply waits: checkpoint, spool, retention, size, salvage, and whether the file is whole. `busy`: only what
  // cannot be put off. True: there is more to do soon.
  bool tidy(bool busy);
  // Adds up days that are long over, for answers about long periods (roll_ups.h). Otherwise that is done when no
  // reply waits.
  void fold();
  // All records of quarantined stores that can be read, now.
  Result<void> salvage();
  // This error came of using the open file: if it is damaged, it goes to the quarantine.
  void note_error(const Error& error);
  // Before a short-lived program ends: a log of more pages than these is moved, as nobody else may come.
  void tidy_log(int frames = kFramesIdle);

 private:
  Result<void> open();
  void close();
  Result<void> has_room();
  void note_trouble(const Error& error);
  Result<std::vector<metrics::Stored>> append_to_file(std::span<metrics::Event> events,
                                                      const metrics::Changes& changes);
  Result<void> in_file(const std::function<Result<void>()>& work);
  Result<void> take_left(const metrics::Note* last = nullptr);
  void look_into_inbox();
  void keep_inbox();
  bool is_free() const;
  Result<void> merge_spool();
  void leave_if_newer();
  void keep_limits(WallTime now);
  bool look_after_file();
  bool fold_step();

  const LocalOptions options_;
  const Clock& clock_;
  Entropy& entropy_;
  Spool spool_;
  Inbox inbox_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<SqliteStore> store_;
  std::int64_t times_closed_ = 0;
  std::int64_t lane_ = kNoLane;
  Checkup checkup_;
  Salvage salvage_;
  std::string trouble_;
  Inbox::State taken_;  // of the inbox, when all of it was taken
  std::optional<SteadyTime> open_again_;
  std::optional<SteadyTime> write_again_;  // somebody holds the open file
  std::optional<SteadyTime> limits_again_;
  std::optional<SteadyTime> look_again_;
  bool over_budget_ = false;
};

}  // namespace fortium::store
