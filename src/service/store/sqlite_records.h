// Records in SQLite: one file for one organization, opened when it is needed.
//
// Calls on one organization wait for each other, those on two do not.
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
#include "records.h"
#include "service/limits.h"
#include "store/database.h"
#include "store/sqlite_reader.h"
#include "store/sqlite_store.h"

namespace fortium::service {

class SqliteRecords final : public Records {
 public:
  // The file must be there: it is made with its organization.
  static Result<std::shared_ptr<SqliteRecords>> open(const std::string& path);

  Result<void> ask(const std::function<Result<void>(metrics::Reader&)>& work) override;
  Result<void> at_one_moment(const std::function<Result<void>(Snapshot&)>& work) override;

  Result<void> put_rows(const Table& table, std::span<const schema::Row> rows) override;
  Result<std::int64_t> erase(std::string_view user_id) override;
  Result<std::int64_t> expire(const metrics::Kind& kind, WallTime before) override;

  // There is enough in the log to move some of it into the file; some of it was left there.
  bool grown() const { return frames_ - marked_ >= kTidyAtOnce; }
  bool marked() const { return marked_ > 0; }
  enum class When { busy, quiet };
  void tidy(When when);

 private:
  struct Opened {
    std::unique_ptr<store::Database> database;
    std::unique_ptr<store::SqliteStore> store;
    std::unique_ptr<store::SqliteReader> reader;
  };
  explicit SqliteRecords(Opened opened) : log_(*opened.database), opened_(std::move(opened)) {}
  Result<std::vector<metrics::Stored>> append_all(std::span<metrics::Event> events,
                                                  const std::vector<bool>& stamped) override;
  Result<void> settle() override;

  store::Database& log_;  // the one that is opened, for its path and sync() only
  Guarded<Opened> opened_;
  std::atomic<int> frames_ = 0, marked_ = 0;  // in the log after the newest transaction; at the mark, 0 without one
  struct Mark {                               // a reader that stands still in the log
    store::Db reader;
    int frames = 0;
  };
  Result<void> empty(Mark& mark);
  Result<void> move(Mark& mark);
  Result<void> set(Mark& mark, int frames);
  Result<void> release(Mark& mark);
  Guarded<Mark> mark_;
  std::atomic<bool> tidying_ = false;
};

class SqliteDepot final : public Depot {
 public:
  // `dir`: of the files, which is made. At most `most` stay open, unless more are in use at once.
  static Result<std::unique_ptr<SqliteDepot>> open(std::string dir, const Clock& clock, std::size_t most);

  std::string place_for(std::string_view tenant_id) const override { return std::string(tenant_id) + ".db"; }
  Result<void> create(const std::string& place) override;
  Result<void> remove(const std::string& place) override;
  Result<std::shared_ptr<Records>> find(const std::string& place) override;
  void forget(const std::string& place) override;
  // Moves grown logs into their files, and closes what was not used for a while.
  void rest() override;

 private:
  struct Entry {
    std::shared_ptr<SqliteRecords> records;
    SteadyTime used{};
  };
  using Entries = std::unordered_map<std::string, Entry>;
  SqliteDepot(std::string dir, const Clock& clock, std::size_t most)
      : dir_(std::move(dir)), clock_(clock), most_(most) {}
  std::string path_of(const std::string& place) const { return dir_ + "/" + place; }
  static void drop_oldest(Entries& entries);

  const std::string dir_;
  const Clock& clock_;
  const std::size_t most_;
  Guarded<Entries> entries_;
};

}  // namespace fortium::service
