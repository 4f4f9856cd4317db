#include "sqlite_records.h"

#include <unistd.h>

#include <algorithm>

#include "fortium/base/entropy.h"
#include "fortium/base/files.h"
#include "fortium/base/log.h"
#include "fortium/schema/sql.h"
#include "service/limits.h"
#include "store/limits.h"
#include "store/slices.h"

namespace fortium::service {

using metrics::Event;
using metrics::Stored;

namespace {

// Ids that senders made from their own are spread over the whole tree: a service can afford to keep more of it at hand.
constexpr const char* kCache = "PRAGMA cache_size = -8192";  // KiB
constexpr Millis kQuiet{2'000};                              // since the last request for an organization

store::DatabaseOptions options_of(const std::string& path) {
  return {.path = path, .durability = store::Durability::deferred, .layout = store::Layout::by_arrival};
}

class SqliteSnapshot final : public Snapshot {
 public:
  explicit SqliteSnapshot(store::Database& database) : database_(database) {}

  Result<std::vector<LedgerRow>> ledger_rows(const LedgerQuery& query) override;
  Result<std::vector<std::string>> ledger_ids(const LedgerRow& row, const LedgerQuery& query, std::string_view after,
                                              std::size_t most) override;
  Result<void> each_record(const metrics::Kind& kind, const metrics::Period& period, const std::optional<After>& after,
                           const metrics::TakeEvent& take) override;
  Result<std::vector<std::string>> counted(const metrics::Kind& kind, std::span<const std::string> ids) override;
  Result<void> each_slice(std::int64_t from, std::int64_t until, const metrics::TakeSlice& take) override {
    FM_TRY_(store::each_slice(database_.db(), from, until, {}, take));
    return {};
  }
  Result<void> each_row(const Table& table, const std::function<void(const schema::Row& row)>& take) override;

 private:
  store::Database& database_;
};

Result<std::vector<LedgerRow>> SqliteSnapshot::ledger_rows(const LedgerQuery& query) {
  FM_TRY(store::Statement list,
         database_.db().prepare("SELECT day, kind, count, digest FROM ledger WHERE day BETWEEN ?1 AND ?2 "
                                "AND (?3 = '' OR device_id = ?3) AND (?4 = '' OR kind = ?4) "
                                "AND ((day, kind) > (?5, ?6) OR (?7 AND (day, kind) = (?5, ?6))) ORDER BY day, kind"));
  // With ids, the row where the last page ended goes on.
  list.bind(query.from, query.to, query.device_id, query.kind != nullptr ? query.kind->name : "", query.after.day,
            query.after.kind, !query.after.id.empty());
  std::vector<LedgerRow> rows;
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return rows;
    const metrics::Kind* kind = metrics::find_kind(list.text(1));
    if (kind == nullptr) continue;
    if (rows.empty() || rows.back().day != list.text(0) || rows.back().kind != kind) {
      if (rows.size() > kMaxLedgerRows) return rows;
      rows.push_back({.day = std::string(list.text(0)), .kind = kind});
    }
    rows.back().count += list.integer(2);
    rows.back().digest.add(LedgerDigest::from_hex(list.text(3)));
  }
}

Result<std::vector<std::string>> SqliteSnapshot::ledger_ids(const LedgerRow& row, const LedgerQuery& query,
                                                            std::string_view after, std::size_t most) {
  FM_TRY(store::Statement list,
         database_.db().prepare("SELECT id FROM " + std::string(row.kind->name) +
                                " WHERE timestamp >= ?1 AND timestamp < ?2 "
                                "AND (?3 = '' OR device_id = ?3) AND id > ?4 ORDER BY id LIMIT ?5"));
  FM_TRY(const WallTime begin, parse_rfc3339(row.day + "T00:00:00Z"));
  list.bind(to_ms(begin), to_ms(begin + std::chrono::days(1)), query.device_id, after, static_cast<std::int64_t>(most));
  std::vector<std::string> ids;
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return ids;
    ids.emplace_back(list.text(0));
  }
}

Result<std::vector<std::string>> SqliteSnapshot::counted(const metrics::Kind& kind, std::span<const std::string> ids) {
  FM_TRY(store::Statement find, database_.db().prepare("SELECT EXISTS (SELECT 1 FROM " + std::string(kind.name) +
                                                       " WHERE id = ?1) OR EXISTS (SELECT 1 FROM gone WHERE "
                                                       "kind = ?2 AND id = ?1)"));
  std::vector<std::string> counted;
  for (const std::string& id : ids) {
    FM_TRY_(find.bind(id, kind.name).step());
    if (find.integer(0) != 0) counted.push_back(id);
  }
  return counted;
}

Result<void> SqliteSnapshot::each_record(const metrics::Kind& kind, const metrics::Period& period,
                                         const std::optional<After>& after, const metrics::TakeEvent& take) {
  FM_TRY(store::Statement list,
         database_.db().prepare(schema::select_from(kind.name, kind.shape) +
                                " WHERE timestamp >= ?1 AND timestamp < ?2 AND (timestamp, id) > (?3, ?4) "
                                "ORDER BY timestamp, id"));
  const After from = after.value_or(After{period.since - Millis(1), ""});
  list.bind(to_ms(std::max(period.since, from.timestamp)), to_ms(period.until), to_ms(from.timestamp), from.id);
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more || !take(store::event_of(list, kind))) return {};
  }
}

// What was let go is in a lane of its own: a line of all lanes is what counts.
class WholeLines {
 public:
  explicit WholeLines(const std::function<void(const schema::Row& row)>& take) : take_(take) {}
  ~WholeLines() { flush(); }
  WholeLines(const WholeLines&) = delete;
  WholeLines& operator=(const WholeLines&) = delete;

  // In the order of their keys.
  void add(const schema::Row& row) {
    if (line_.empty() || !std::equal(line_.begin(), line_.begin() + kKey, row.begin())) {
      flush();
      line_ = row;
      return;
    }
    LedgerDigest digest = LedgerDigest::from_hex(std::get<std::string>(line_[kAt]));
    digest.add(LedgerDigest::from_hex(std::get<std::string>(row[kAt])));
    line_[kAt] = digest.hex();
    line_[kAt + 1] = std::get<std::int64_t>(line_[kAt + 1]) + std::get<std::int64_t>(row[kAt + 1]);
    line_[kAt + 2] = std::max(std::get<std::int64_t>(line_[kAt + 2]), std::get<std::int64_t>(row[kAt + 2]));
  }

 private:
  static constexpr std::ptrdiff_t kKey = 4;  // columns
  static constexpr std::size_t kAt = kKey;   // then come digest, count, last
  void flush() {
    if (!line_.empty()) take_(line_);
    line_.clear();
  }

  const std::function<void(const schema::Row& row)>& take_;
  schema::Row line_;
};

Result<void> SqliteSnapshot::each_row(const Table& table, const std::function<void(const schema::Row& row)>& take) {
  if (table.name == "ledger") {
    WholeLines lines(take);
    FM_TRY(store::Statement list, database_.db().prepare("SELECT " + columns_of(table) +
                                                         " FROM ledger ORDER BY session_id, day, kind, device_id"));
    schema::Row row(table.columns.size());
    while (true) {
      FM_TRY(const bool more, list.step());
      if (!more) return {};
      for (std::size_t i = 0; i < row.size(); ++i) row[i] = list.value(static_cast<int>(i));
      lines.add(row);
    }
  }
  FM_TRY(store::Statement list, database_.db().prepare("SELECT " + columns_of(table) + " FROM " + table.name));
  schema::Row row(table.columns.size());
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return {};
    for (std::size_t i = 0; i < row.size(); ++i) {
      const int column = static_cast<int>(i);
      row[i] = table.columns[i].type == Column::Type::bytes ? schema::Value(std::string(list.blob(column)))
                                                            : list.value(column);
    }
    take(row);
  }
}

// The service's records are all of one lane.
bool has_lane(const Table& table) { return table.name == "ledger" || metrics::find_kind(table.name) != nullptr; }

}  // namespace

Result<std::shared_ptr<SqliteRecords>> SqliteRecords::open(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return Error{Errc::not_found, "the records of this organization are gone"};
  SystemEntropy entropy;
  Opened opened;
  FM_TRY(opened.database, store::Database::open(options_of(path), entropy));
  FM_TRY_(opened.database->db().exec(kCache));
  FM_TRY(opened.store, store::SqliteStore::open(*opened.database));
  opened.reader = std::make_unique<store::SqliteReader>(*opened.database);
  return std::shared_ptr<SqliteRecords>(new SqliteRecords(std::move(opened)));
}

Result<std::vector<Stored>> SqliteRecords::append_all(std::span<Event> events, const std::vector<bool>& stamped) {
  return opened_.with([&](Opened& opened) -> Result<std::vector<Stored>> {
    FM_TRY(std::vector<Stored> stored, opened.store->append(events));
    frames_ = opened.database->db().wal_frames();
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (stored[i] != Stored::conflict || !stamped[i]) continue;
      FM_TRY(const Event kept, store::read_event(opened.database->db(), *events[i].kind, events[i].id()));
      events[i].row[metrics::kTimestamp] = kept.row[metrics::kTimestamp];
      if (metrics::same_content(kept, events[i])) stored[i] = Stored::duplicate;
    }
    return stored;
  });
}

Result<void> SqliteRecords::settle() {
  Result<void> done = log_.sync();
  // Who writes next has to empty the log into the file first, for which nobody may stand in it.
  if (!done) (void)mark_.with([this](Mark& mark) { return release(mark); });
  return done;
}

Result<void> SqliteRecords::ask(const std::function<Result<void>(metrics::Reader&)>& work) {
  return opened_.with([&](Opened& opened) { return work(*opened.reader); });
}

Result<void> SqliteRecords::put_rows(const Table& table, std::span<const schema::Row> rows) {
  std::string marks;
  for (const Column& column : table.columns)
    marks += (marks.empty() ? "" : ", ") + std::string(column.type == Column::Type::bytes ? "CAST(? AS BLOB)" : "?");
  const bool lane = has_lane(table);
  FM_TRY_(opened_.with([&](Opened& opened) {
    return opened.database->write([&]() -> Result<void> {
      FM_TRY(store::Statement put,
             opened.database->db().prepare("INSERT INTO " + table.name + " (" + columns_of(table) +
                                           (lane ? ", lane" : "") + ") VALUES (" + marks +
                                           (lane ? ", " + std::to_string(store::kNoLane) : std::string()) + ")"));
      for (const schema::Row& row : rows) FM_TRY_(put.bind_row(row).run());
      return {};
    });
  }));
  return settle();
}

Result<std::int64_t> SqliteRecords::erase(std::string_view user_id) {
  FM_TRY(const std::int64_t erased,
         opened_.with([&](Opened& opened) { return store::erase_person(*opened.database, user_id); }));
  FM_TRY_(settle());
  return erased;
}

Result<std::int64_t> SqliteRecords::expire(const metrics::Kind& kind, WallTime before) {
  FM_TRY(const std::int64_t expired,
         opened_.with([&](Opened& opened) { return store::drop_older(*opened.database, kind, before); }));
  FM_TRY_(settle());
  return expired;
}

Result<void> SqliteRecords::at_one_moment(const std::function<Result<void>(Snapshot&)>& work) {
  return opened_.with([&](Opened& opened) {
    SqliteSnapshot snapshot(*opened.database);
    return opened.database->read([&] { return work(snapshot); });
  });
}

// A checkpoint holds up whoever writes. That of a whole log takes long, mostly for the sync of the file at its end,
// which is left out where some of the log stays: the part that is not in the file yet, and before it nothing is written
// over. So a reader that stands still in the log makes a checkpoint one of the part before it; the file is synced when
// nobody waits for it, and the whole is done now and then, or when it is quiet, as it is what lets the log begin anew.
void SqliteRecords::tidy(When when) {
  if (tidying_.exchange(true)) return;
  const auto work = [&](Mark& mark) -> Result<void> {
    if (when == When::quiet) return empty(mark);
    if (!grown()) return {};
    const bool full = frames_ >= kTidyFrames;
    FM_TRY_(move(mark));
    if (!full) return {};
    FM_TRY_(move(mark));  // so that little is left for the moment when nobody may write
    return empty(mark);
  };
  if (auto done = mark_.with(work); !done) log_warn("checkpoint: " + done.error().what);
  tidying_ = false;
}

Result<void> SqliteRecords::empty(Mark& mark) {
  FM_TRY_(release(mark));
  FM_TRY_(log_.sync());
  return opened_.with([this](Opened& opened) {
    frames_ = 0;
    return opened.database->tidy(0);
  });
}

Result<void> SqliteRecords::move(Mark& mark) {
  const int frames = frames_;
  if (mark.frames > 0) {
    FM_TRY_(log_.sync());
    FM_TRY_(opened_.with([](Opened& opened) { return opened.database->tidy(0); }));
    FM_TRY_(release(mark));
    FM_TRY_(mark.reader.sync_file());
  }
  return set(mark, frames);
}

Result<void> SqliteRecords::set(Mark& mark, int frames) {
  if (!mark.reader) {
    FM_TRY(mark.reader, store::Db::open(log_.path(), store::Db::Mode::existing));
  }
  FM_TRY_(mark.reader.exec("BEGIN"));
  FM_TRY_(mark.reader.integer("SELECT count(*) FROM meta"));
  mark.frames = marked_ = frames;
  return {};
}

Result<void> SqliteRecords::release(Mark& mark) {
  if (mark.frames == 0) return {};
  mark.frames = marked_ = 0;
  return mark.reader.exec("COMMIT");
}

Result<std::unique_ptr<SqliteDepot>> SqliteDepot::open(std::string dir, const Clock& clock, std::size_t most) {
  FM_TRY_(make_private_dir(dir));
  return std::unique_ptr<SqliteDepot>(new SqliteDepot(std::move(dir), clock, most));
}

Result<void> SqliteDepot::create(const std::string& place) {
  SystemEntropy entropy;
  FM_TRY(const auto made, store::Database::open(options_of(path_of(place)), entropy));
  return sync_dir(dir_);
}

Result<void> SqliteDepot::remove(const std::string& place) {
  forget(place);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) ::unlink((path_of(place) + suffix).c_str());
  return sync_dir(dir_);
}

Result<std::shared_ptr<Records>> SqliteDepot::find(const std::string& place) {
  return entries_.with([&](Entries& entries) -> Result<std::shared_ptr<Records>> {
    const SteadyTime now = clock_.steady();
    if (const auto known = entries.find(place); known != entries.end()) {
      known->second.used = now;
      return std::shared_ptr<Records>(known->second.records);
    }
    if (entries.size() >= most_) drop_oldest(entries);
    FM_TRY(auto records, SqliteRecords::open(path_of(place)));
    entries[place] = {records, now};
    return std::shared_ptr<Records>(std::move(records));
  });
}

void SqliteDepot::drop_oldest(Entries& entries) {
  const auto oldest = std::ranges::min_element(entries, {}, [](const auto& entry) { return entry.second.used; });
  if (oldest != entries.end()) entries.erase(oldest);
}

void SqliteDepot::forget(const std::string& place) {
  entries_.with([&](Entries& entries) { entries.erase(place); });
}

void SqliteDepot::rest() {
  std::vector<std::shared_ptr<SqliteRecords>> grown, quiet;
  entries_.with([&](Entries& entries) {
    const SteadyTime now = clock_.steady();
    std::erase_if(entries, [now](const auto& entry) { return now - entry.second.used > kTenantIdle; });
    for (const auto& [place, entry] : entries) {
      if (entry.records->grown()) grown.push_back(entry.records);
      if (entry.records->marked() && now - entry.used > kQuiet) quiet.push_back(entry.records);
    }
  });
  for (const auto& records : grown) records->tidy(SqliteRecords::When::busy);
  for (const auto& records : quiet) records->tidy(SqliteRecords::When::quiet);
}

}  // namespace fortium::service
