#include "local_store.h"

#include <utility>

#include "fortium/base/files.h"
#include "fortium/base/log.h"
#include "limits.h"

namespace fortium::store {

using metrics::Event;
using metrics::Stored;

namespace {

using namespace std::chrono_literals;

constexpr auto kOpenAgain = 1s;  // after a failure: a locked or full store must not cost its wait at every record
constexpr auto kLimitsAgain = 1h;
// Pages in the log before it is moved to the file. While calls keep coming it may grow further, so that a checkpoint,
// which takes a few milliseconds, delays fewer than one call in a thousand.
constexpr int kFramesIdle = 1'000;
constexpr int kFramesBusy = 8'000;

}  // namespace

LocalStore::LocalStore(LocalOptions options, const Clock& clock, Entropy& entropy)
    : options_(std::move(options)), clock_(clock), entropy_(entropy), spool_(options_.data_dir + "/spool", entropy) {}

Result<void> LocalStore::open() {
  if (store_) return {};
  if (open_again_ && clock_.steady() < *open_again_) return Error{Errc::busy, trouble_};
  open_again_ = clock_.steady() + kOpenAgain;
  FM_TRY_(make_private_dir(options_.data_dir));
  FM_TRY(auto database,
         Database::open({options_.data_dir + "/metrics.db", options_.durability, options_.lock_wait}, entropy_));
  FM_TRY(const std::int64_t lane, lane_of(*database, options_.destination));
  if (lane != kNoLane && !options_.destination.url.empty()) FM_TRY_(mend_lanes(*database, lane, options_.destination));
  FM_TRY(auto store, SqliteStore::open(*database, lane));
  lane_ = lane;
  database_ = std::move(database);
  store_ = std::move(store);
  open_again_.reset();
  trouble_.clear();
  if (auto merged = merge_spool(); !merged) trouble_ = merged.error().what;  // tried again when idle
  return {};
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

Result<std::vector<Stored>> LocalStore::append(std::span<Event> events) {
  if (over_budget_ && options_.refuse_when_full && database_)
    if (const auto used = bytes_in_use(database_->db()); used) over_budget_ = *used > options_.max_bytes;
  if (over_budget_ && options_.refuse_when_full)
    return Error{Errc::full, "the queue has reached max_store_bytes and local_fallback is off"};
  Result<void> opened = open();
  if (opened) {
    auto stored = store_->append(events);
    if (stored) return stored;
    // A wrong value is the caller's; everything else is the file's state, and the spool's business.
    if (stored.error().code == Errc::invalid) return stored;
    opened = stored.error();
    if (stored.error().code != Errc::busy) {
      // After a failed sync nothing is known about this connection's pages: leave it.
      store_.reset();
      database_.reset();
      open_again_ = clock_.steady() + kOpenAgain;
    }
  }
  if (trouble_ != opened.error().what) {
    trouble_ = opened.error().what;
    log_warn("recording to the spool: " + trouble_);
  }
  FM_TRY_(spool_.append(events, options_.destination));
  return std::vector<Stored>(events.size(), Stored::fresh);
}

Result<Database*> LocalStore::database() {
  FM_TRY_(open());
  return database_.get();
}

Result<std::int64_t> LocalStore::lane() {
  FM_TRY_(open());
  return lane_;
}

void LocalStore::tidy(bool busy) {
  if (!store_) return;
  if (auto done = database_->tidy(busy ? kFramesBusy : kFramesIdle); !done) log_debug(done.error().what);
  if (busy) return;
  if (!trouble_.empty()) {
    if (auto done = merge_spool(); done) trouble_.clear();
  }
  if (!limits_again_ || clock_.steady() >= *limits_again_) {
    limits_again_ = clock_.steady() + kLimitsAgain;
    keep_limits(clock_.now());
  }
}

void LocalStore::tidy_log() {
  if (store_) (void)database_->tidy(kFramesIdle);
}

void LocalStore::keep_limits(WallTime now) {
  auto used = keep_retention_and_size(*database_, now, {options_.retention_days, options_.max_bytes});
  if (!used) {
    log_warn("retention: " + used.error().what);
    return;
  }
  over_budget_ = *used > options_.max_bytes;
  if (over_budget_) log_warn("the store is larger than max_store_bytes; what is left waits to be delivered");
}

}  // namespace fortium::store
