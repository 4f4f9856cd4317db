// The records of each organization: one SQLite file for one organization, opened when it is needed.
//
// Any thread. Calls on one organization wait for each other, those on two do not.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/guarded.h"
#include "fortium/metrics/store.h"
#include "store/database.h"
#include "store/sqlite_store.h"

namespace fortium::service {

class TenantStore {
 public:
  // The file must be there: it is made with its organization.
  static Result<std::shared_ptr<TenantStore>> open(const std::string& path);

  // As metrics::EventStore. `stamped`: events that came without a time and got one here, which is then no content.
  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events, const std::vector<bool>& stamped);

  // Everything that `work` reads from store::Db& is of one moment.
  template <class Work>
  auto read(Work&& work) {
    return opened_.with([&](Opened& opened) {
      using Answer = decltype(work(opened.database->db()));
      std::optional<Answer> answer;
      Result<void> done = opened.database->read([&]() -> Result<void> {
        answer.emplace(work(opened.database->db()));
        return {};
      });
      return done ? std::move(*answer) : Answer(std::move(done).error());
    });
  }

  bool grown() const { return grown_; }
  void tidy();

 private:
  struct Opened {
    std::unique_ptr<store::Database> database;
    std::unique_ptr<store::SqliteStore> store;
  };
  explicit TenantStore(Opened opened) : opened_(std::move(opened)) {}

  Guarded<Opened> opened_;
  std::atomic<bool> grown_ = false;  // its log is to be moved into the file
};

class Tenants {
 public:
  // `dir`: of the files. At most `most` stay open, unless more are in use at once.
  Tenants(std::string dir, const Clock& clock, std::size_t most);

  Result<std::shared_ptr<TenantStore>> find(const std::string& file);
  // The next call opens the file again: after a failed write nothing is known about the connection's pages.
  void forget(const std::string& file);
  // Moves grown logs into their files, and closes what was not used for a while.
  void rest();

 private:
  struct Entry {
    std::shared_ptr<TenantStore> store;
    SteadyTime used{};
  };
  using Entries = std::unordered_map<std::string, Entry>;
  static void drop_oldest(Entries& entries);

  const std::string dir_;
  const Clock& clock_;
  const std::size_t most_;
  Guarded<Entries> entries_;
};

}  // namespace fortium::service
