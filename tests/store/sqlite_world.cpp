#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <vector>

#include "store/sqlite_outbox.h"
#include "store/sqlite_store.h"
#include "store/world.h"
#include "support/temp_dir.h"

namespace fortium::test {

namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what);
  return std::move(*result);
}

class SqliteWorld final : public World {
 public:
  metrics::EventStore& store(int lane) override {
    auto& store = stores_[lane];
    if (!store) store = must(store::SqliteStore::open(recording(), lane_of(lane)));
    return *store;
  }
  std::unique_ptr<sync::Outbox> sender(int lane) override {
    connections_.push_back(open());
    return std::make_unique<store::SqliteOutbox>(*connections_.back(), lane_of(lane), entropy_);
  }
  void lease_and_die(int lane, WallTime until) override {
    const std::int64_t number = lane_of(lane);
    const pid_t child = ::fork();
    if (child == 0) {
      CountingEntropy entropy;
      auto database = store::Database::open(options(), entropy);
      bool leased = false;
      if (database) {
        store::SqliteOutbox dying(**database, number, entropy);
        const auto taken = dying.lease(clock.now(), until);
        leased = taken && *taken;
      }
      ::_exit(leased ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("the child did not get the lease");
  }
  void set_full(bool full) override {
    // SQLite's own limit gives the same error as a full disk.
    const std::int64_t pages = must(recording().db().integer("PRAGMA page_count"));
    const std::int64_t most = full ? pages : std::int64_t{1} << 30;
    (void)recording().db().integer("PRAGMA max_page_count = " + std::to_string(most));
  }
  std::optional<metrics::Event> kept(const metrics::Kind& kind, const std::string& id) override {
    auto event = store::read_event(recording().db(), kind, id);
    return event ? std::optional(std::move(*event)) : std::nullopt;
  }
  std::optional<std::string> set_aside_reason(const std::string& id) override {
    auto find = must(recording().db().prepare("SELECT reason FROM set_aside WHERE id = ?"));
    if (!must(find.bind(id).step())) return std::nullopt;
    return std::string(find.text(0));
  }

 private:
  store::DatabaseOptions options() const { return {dir_.file("metrics.db"), store::Durability::normal}; }
  std::unique_ptr<store::Database> open() { return must(store::Database::open(options(), entropy_)); }
  store::Database& recording() {
    if (!recording_) recording_ = open();
    return *recording_;
  }
  std::int64_t lane_of(int lane) {
    if (lane == 0) return store::kNoLane;
    return must(store::lane_of(recording(), {"https://metrics.example.com", "org-" + std::to_string(lane), ""}));
  }

  TempDir dir_;
  SpreadEntropy entropy_;
  std::unique_ptr<store::Database> recording_;
  std::vector<std::unique_ptr<store::Database>> connections_;
  std::map<int, std::unique_ptr<store::SqliteStore>> stores_;
};

}  // namespace

std::unique_ptr<World> make_sqlite_world() { return std::make_unique<SqliteWorld>(); }

}  // namespace fortium::test
