#include "local_store.h"

#include <algorithm>
#include <utility>

#include "fortium/base/files.h"
#include "fortium/base/log.h"
#include "limits.h"
#include "migrations.h"
#include "roll_ups.h"
#include "take_inbox.h"

namespace fortium::store {

using metrics::Event;
using metrics::Stored;

namespace {

using namespace std::chrono_literals;

// After a failure: a locked or full store must not cost its wait at every record.
constexpr auto kOpenAgain = 1s;
constexpr auto kWriteAgain = 15s;
constexpr auto kLimitsAgain = 1h;
constexpr auto kLookAgain = 1s;  // whether the file is still where it was
// While calls keep coming the log may grow further, so that a checkpoint, which takes a few milliseconds, delays fewer
// than one call in a thousand.
constexpr int kFramesBusy = 8'000;
constexpr std::size_t kPortion = 1'000;  // records of a group that the file does not take together

void tell_moved(const std::string& to) {
  log_warn("the store could not be used, and was moved to " + to +
           "; a new one was begun, and what can be read of the old one is brought over by itself");
}

}  // namespace

LocalStore::LocalStore(LocalOptions options, const Clock& clock, Entropy& entropy)
    : options_(std::move(options)),
      clock_(clock),
      entropy_(entropy),
      spool_(options_.data_dir + "/spool", entropy),
      inbox_(options_.data_dir + "/metrics.db.inbox", options_.durability),
      salvage_(options_.data_dir + "/quarantine") {}

Result<void> LocalStore::open() {
  if (store_ && !database_->replaced()) return {};
  close();
  if (open_again_ && clock_.steady() < *open_again_) return Error{Errc::busy, trouble_};
  open_again_ = clock_.steady() + kOpenAgain;
  FM_TRY_(make_private_dir(options_.data_dir));
  FM_TRY(auto database, Database::open({options_.data_dir + "/metrics.db", options_.durability, options_.lock_wait,
                                        options_.data_dir + "/quarantine"},
                                       entropy_));
  if (!database->moved_to().empty()) tell_moved(database->moved_to());
  salvage_.look_again();
  FM_TRY(const std::int64_t lane, lane_of(*database, options_.destination));
  if (lane != kNoLane && !options_.destination.url.empty()) FM_TRY_(mend_lanes(*database, lane, options_.destination));
  FM_TRY(auto store, SqliteStore::open(*database, lane));
  lane_ = lane;
  database_ = std::move(database);
  store_ = std::move(store);
  open_again_.reset();
  trouble_.clear();
  Result<void> merged = merge_spool();
  if (merged) merged = take_left();
  if (!merged) trouble_ = merged.error().what;  // tried again when idle
  if (merged) keep_inbox();
  return {};
}

void LocalStore::close() {
  times_closed_ += database_ != nullptr;
  store_.reset();
  database_.reset();
}

Result<void> LocalStore::merge_spool() {
  FM_TRY(const std::int64_t merged,
         spool_.merge([this](std::vector<Event>& events, const Destination& to) -> Result<void> {
           FM_TRY(const std::int64_t lane, lane_of(*database_, to));
           FM_TRY(auto store, SqliteStore::open(*database_, lane));
           FM_TRY(const auto stored, store->append(events));
           return {};
         }));
  if (merged > 0) log_info("merged " + std::to_string(merged) + " spooled records");
  return {};
}

Result<void> LocalStore::has_room() {
  if (over_budget_ && options_.refuse_when_full && database_)
    if (const auto used = bytes_in_use(database_->db()); used) over_budget_ = *used > options_.max_bytes;
  if (over_budget_ && options_.refuse_when_full)
    return Error{Errc::full, "the queue has reached max_store_bytes and local_fallback is off"};
  return {};
}

Result<std::vector<Stored>> LocalStore::append(std::span<Event> events, const metrics::Changes& changes) {
  FM_TRY_(has_room());
  auto stored = append_to_file(events, changes);
  // A wrong value is the caller's; everything else is the file's state, and the spool's business.
  if (stored || stored.error().code == Errc::invalid || events.empty()) return stored;
  note_trouble(stored.error());
  FM_TRY_(spool_.append(events, options_.destination));
  return std::vector<Stored>(events.size(), Stored::fresh);
}

Result<std::vector<Stored>> LocalStore::append(const metrics::EventPack& events) {
  FM_TRY_(has_room());
  std::vector<Stored> stored;
  const Result<void> together = in_file([&]() -> Result<void> {
    FM_TRY(stored, store_->append(events));
    return {};
  });
  if (together) return stored;
  if (together.error().code != Errc::invalid) note_trouble(together.error());
  stored.clear();
  std::vector<Event> portion;
  for (std::size_t at = 0; at < events.size(); at += portion.size()) {
    portion.resize(std::min(kPortion, events.size() - at));
    for (std::size_t i = 0; i < portion.size(); ++i) events.read(at + i, portion[i]);
    FM_TRY(const auto some, append(portion));
    stored.insert(stored.end(), some.begin(), some.end());
  }
  return stored;
}

void LocalStore::note_trouble(const Error& error) {
  if (trouble_ == error.what) return;
  trouble_ = error.what;
  log_warn("recording to the spool: " + trouble_);
}

Result<void> LocalStore::take(const metrics::Note& note) {
  const bool leave = !store_ && (inbox_.size() < kMostLeft || !is_free());
  if (leave && inbox_.leave(note, options_.destination)) return {};
  Result<void> done = in_file([&] { return take_left(&note); });
  if (done) keep_inbox();
  if (done || done.error().code == Errc::invalid) return done;
  if (inbox_.leave(note, options_.destination)) return {};
  // The last resort knows records only, and not what was open.
  std::vector<Event> events = options_.understand(note, {}).events;
  FM_TRY([[maybe_unused]] const auto stored, append(events));
  return {};
}

// Whether nobody writes to the file just now.
bool LocalStore::is_free() const {
  auto lock = WriteLock::open(options_.data_dir + "/metrics.db.lock");
  if (!lock || !lock->take(Millis(0))) return !lock;
  lock->give_back();
  return true;
}

Result<void> LocalStore::take_left(const metrics::Note* last) {
  if (!options_.understand) return {};
  const Inbox::State state = inbox_.state();
  if (state == taken_ && last == nullptr) return {};
  FM_TRY_(take_inbox(inbox_, {*database_, *store_, options_.destination, options_.understand}, last));
  taken_ = state;
  return {};
}

// Who reads what was recorded wants all of it. Where that does not work now, it is tried again.
void LocalStore::look_into_inbox() {
  if (!options_.understand || inbox_.state() == taken_) return;
  if (auto done = in_file([this] { return take_left(); }); !done) log_debug("inbox: " + done.error().what);
}

// After a commit of ours, which was synced.
void LocalStore::keep_inbox() {
  if (!options_.understand || inbox_.is_well()) return;
  const Result<void> done = database_->write([this]() -> Result<void> {
    FM_TRY(const std::string mark, inbox_mark(database_->db()));
    return inbox_.begin(mark, entropy_);
  });
  if (!done) log_debug("inbox: " + done.error().what);
}

Result<std::vector<Stored>> LocalStore::append_to_file(std::span<Event> events, const metrics::Changes& changes) {
  std::vector<Stored> stored;
  FM_TRY_(in_file([&]() -> Result<void> {
    FM_TRY(stored, store_->append(events, changes));
    return {};
  }));
  return stored;
}

// Where the file was damaged, or another process found that it was, the new one is tried at once.
Result<void> LocalStore::in_file(const std::function<Result<void>()>& work) {
  FM_TRY_(open());
  if (write_again_ && clock_.steady() < *write_again_) return Error{Errc::busy, trouble_};
  Result<void> done = work();
  write_again_.reset();
  if (!done && done.error().code == Errc::busy) write_again_ = clock_.steady() + kWriteAgain;
  if (!done && (done.error().code == Errc::corrupt || done.error().code == Errc::conflict)) {
    note_error(done.error());
    FM_TRY_(open());
    done = work();
  }
  if (done || done.error().code == Errc::invalid || done.error().code == Errc::busy) return done;
  // After a failed sync nothing is known about this connection's pages: leave it.
  close();
  open_again_ = clock_.steady() + kOpenAgain;
  return done;
}

void LocalStore::note_error(const Error& error) {
  if (!database_) return;
  if (error.code == Errc::corrupt) {
    if (auto done = database_->condemn(error.what); !done)
      log_warn("the damaged store could not be moved away: " + done.error().what);
    else if (!database_->moved_to().empty())
      tell_moved(database_->moved_to());
  }
  if (error.code == Errc::corrupt || error.code == Errc::conflict) close();
}

// Whoever asks also finds out that a newer program has taken the store over; then records go to the spool.
Result<Database*> LocalStore::database() {
  if (store_) leave_if_newer();
  FM_TRY_(open());
  look_into_inbox();
  FM_TRY_(open());
  return database_.get();
}

Result<std::int64_t> LocalStore::lane() {
  FM_TRY_(open());
  return lane_;
}

void LocalStore::leave_if_newer() {
  const auto version = database_->db().integer("PRAGMA user_version");
  if (version && *version > kSchemaVersion) close();
}

bool LocalStore::tidy(bool busy) {
  if (!store_) return false;
  if (auto done = database_->tidy(busy ? kFramesBusy : kFramesIdle); !done) log_debug(done.error().what);
  if (!look_again_ || clock_.steady() >= *look_again_) {
    look_again_ = clock_.steady() + kLookAgain;
    if (database_->vanished()) {
      log_warn("the store was removed while it was open: a new one is begun");
      close();
      return false;
    }
    if (busy) look_into_inbox();
  }
  if (busy) return false;
  leave_if_newer();
  if (!store_) return false;
  if (!trouble_.empty()) {
    if (auto done = merge_spool(); done) trouble_.clear();
  }
  look_into_inbox();
  if (!store_) return false;
  if (!limits_again_ || clock_.steady() >= *limits_again_) {
    limits_again_ = clock_.steady() + kLimitsAgain;
    keep_limits(clock_.now());
  }
  return look_after_file();
}

// A step of what can wait for hours, but should not be forgotten.
bool LocalStore::look_after_file() {
  auto more = checkup_.step(*database_);
  if (more && !*more) more = salvage_.step(*database_);
  if (more && !*more) more = fold_step();
  for (const std::string& news : salvage_.take_news()) log_warn(news);
  if (more) return *more;
  log_warn("the store: " + more.error().what);
  note_error(more.error());
  if (store_ || more.error().code != Errc::corrupt) return false;
  return open().ok();
}

// What goes wrong here costs answers about long periods some time, and nothing else.
bool LocalStore::fold_step() {
  const auto more = fold_slices(*database_, clock_.now());
  if (!more) log_debug("adding up slices: " + more.error().what);
  return more && *more;
}

void LocalStore::fold() {
  while (database_ && fold_step()) {
  }
}

Result<void> LocalStore::salvage() {
  FM_TRY_(open());
  bool more = true;
  while (more) {
    FM_TRY(more, salvage_.step(*database_));
  }
  for (const std::string& news : salvage_.take_news()) log_warn(news);
  return {};
}

void LocalStore::tidy_log(int frames) {
  if (store_) (void)database_->leave(frames);
}

void LocalStore::keep_limits(WallTime now) {
  auto used = keep_retention_and_size(*database_, now, {options_.retention_days, options_.max_bytes});
  if (!used) {
    log_warn("retention: " + used.error().what);
    return;
  }
  over_budget_ = *used > options_.max_bytes;
  if (over_budget_)
    log_warn("the store is larger than max_store_bytes; what is left waits to be delivered, or is sums for reports");
}

}  // namespace fortium::store
