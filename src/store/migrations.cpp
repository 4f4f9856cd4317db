#include "migrations.h"

#include "fortium/metrics/kind.h"
#include "fortium/schema/sql.h"

namespace fortium::store {

namespace {

constexpr std::int64_t kMostVersionsAhead = 1'000;  // no program will ever be that far behind: the number is damaged

// What every record has here and nowhere else: the lane it was recorded for; 0 while there is no account, -1 when a
// person decided that it is never sent.
constexpr std::string_view kLaneColumn = "lane INTEGER NOT NULL";

// A line with KINDS is one for each kind.
constexpr std::string_view kOwnTables = R"sql(
CREATE TABLE meta (
  name TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) WITHOUT ROWID, STRICT;

-- Count and digest of ids by session ('' without one), day of `timestamp` (UTC) and lane, and the newest `seq` that a
-- record of the line was given: kept with every record, so `verify` never counts. All of it changes in one page.
CREATE TABLE ledger (
  session_id TEXT NOT NULL,
  day TEXT NOT NULL,
  kind TEXT NOT NULL,
  device_id TEXT NOT NULL,
  lane INTEGER NOT NULL,
  count INTEGER NOT NULL,
  digest TEXT NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (session_id, day, kind, device_id, lane)
) WITHOUT ROWID, STRICT;
CREATE INDEX ledger_by_day ON ledger (day);

-- What reports are made of: the records of one hour that agree in all of the key, as figures that add up. Kept with
-- every record, so the current hour is the end of the table.
CREATE TABLE slice (
  hour INTEGER NOT NULL, -- since 1970, UTC
  kind TEXT NOT NULL,
  name TEXT NOT NULL, -- of the command, tool, agent or model; '' without one, and so below
  session_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  project TEXT NOT NULL,
  source TEXT NOT NULL,
  count INTEGER NOT NULL,
  success INTEGER NOT NULL,
  error INTEGER NOT NULL,
  timeout INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  timed INTEGER NOT NULL, -- with a known duration; the next four are of those
  total_us INTEGER NOT NULL,
  min_us INTEGER NOT NULL,
  max_us INTEGER NOT NULL,
  durations BLOB NOT NULL, -- single values, or bins when there are many
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cache_creation_tokens INTEGER NOT NULL,
  priced INTEGER NOT NULL, -- with a known cost
  cost_nano_usd INTEGER NOT NULL,
  minutes INTEGER NOT NULL, -- bit n: a record in minute n of the hour
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (hour, kind, name, session_id, user_id, project, source)
) WITHOUT ROWID, STRICT;

-- Slices added up once more when their day is long over, in two ways: all days up to the newest in name_span. A record
-- that comes later removes its day and those after it. Here what each session did in each hour, whatever kind and name.
CREATE TABLE session_day (
  day INTEGER PRIMARY KEY NOT NULL, -- since 1970, UTC
  hours BLOB NOT NULL
) STRICT;

-- And here how each name was used in some hours, whatever session. Figures as bytes: read whole, a row at a time.
CREATE TABLE name_span (
  hours INTEGER NOT NULL, -- how many
  whole INTEGER NOT NULL, -- 1: of all projects and sources
  begin INTEGER NOT NULL, -- the first, since 1970
  project TEXT NOT NULL,
  source TEXT NOT NULL,
  KINDS BLOB NOT NULL,
  PRIMARY KEY (hours, whole, begin, project, source)
) WITHOUT ROWID, STRICT;

-- Hours that records were let go from, or were lost with a damaged file: their slices count more than a recount.
CREATE TABLE thinned (
  hour INTEGER PRIMARY KEY NOT NULL
) WITHOUT ROWID, STRICT;

-- Records that were let go, by age or after their delivery in `remote` mode: an id that comes again counts once.
CREATE TABLE gone (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID, STRICT;

-- How far each transcript was imported, and what was left open there. `file` is a hash of its path. Written after the
-- records that it covers: what is read again is known by its ids.
CREATE TABLE imported_file (
  file TEXT PRIMARY KEY NOT NULL,
  inode INTEGER NOT NULL,
  size INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,
  rest INTEGER NOT NULL, -- 0 busy, 1 still, 2 ended: what is open then was settled
  carried TEXT NOT NULL,
  replays INTEGER NOT NULL, -- requests in it that were counted under another id,
  copies INTEGER NOT NULL -- or in another file
) WITHOUT ROWID, STRICT;

-- Destinations: what is recorded for one is never sent to another.
CREATE TABLE lane (
  lane INTEGER PRIMARY KEY NOT NULL,
  url TEXT NOT NULL,
  organization TEXT NOT NULL,
  credential TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT '{}',
  lease_owner TEXT,
  lease_until INTEGER NOT NULL DEFAULT 0,
  waiting INTEGER NOT NULL DEFAULT 0, -- rows of the outbox: kept by its triggers, so `status` never counts
  UNIQUE (url, organization, credential)
) STRICT;

-- Records that wait to be delivered. A row leaves only by the receiver's word about it.
CREATE TABLE outbox (
  lane INTEGER NOT NULL,
  place INTEGER NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  since INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (lane, place)
) WITHOUT ROWID, STRICT;

CREATE TRIGGER outbox_in AFTER INSERT ON outbox BEGIN
  UPDATE lane SET waiting = waiting + 1 WHERE lane = new.lane;
END;
CREATE TRIGGER outbox_out AFTER DELETE ON outbox BEGIN
  UPDATE lane SET waiting = waiting - 1 WHERE lane = old.lane;
END;
CREATE TRIGGER outbox_moved AFTER UPDATE OF lane ON outbox BEGIN
  UPDATE lane SET waiting = waiting - 1 WHERE lane = old.lane;
  UPDATE lane SET waiting = waiting + 1 WHERE lane = new.lane;
END;

-- Records that the receiver refused, and why.
CREATE TABLE set_aside (
  id TEXT PRIMARY KEY NOT NULL,
  lane INTEGER NOT NULL,
  kind TEXT NOT NULL,
  since INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL
) WITHOUT ROWID, STRICT;

-- What was seen to begin and has not ended yet: no records, but what their begin told of them.
CREATE TABLE open_call (
  session_id TEXT NOT NULL,
  what TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  prompt_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  state TEXT NOT NULL,
  detail TEXT NOT NULL,
  count INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  started INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  PRIMARY KEY (session_id, what, key)
) WITHOUT ROWID, STRICT;
)sql";

constexpr std::string_view kKinds = "KINDS";

std::string version_1(Layout layout) {
  std::string sql(kOwnTables);
  for (std::size_t at = sql.find(kKinds); at != sql.npos; at = sql.find(kKinds)) {
    const std::size_t begin = sql.rfind('\n', at) + 1, end = sql.find('\n', at) + 1;
    const std::string line = sql.substr(begin, end - begin);
    std::string lines;
    for (const metrics::Kind& kind : metrics::kinds())
      lines += std::string(line).replace(at - begin, kKinds.size(), kind.name);
    sql.replace(begin, end - begin, lines);
  }
  for (const metrics::Kind& kind : metrics::kinds()) {
    const std::string name(kind.name);
    sql +=
        "\n" + schema::create_table(name, kind.shape,
                                    layout == Layout::by_id ? schema::kSqlite : schema::kSqliteByArrival, kLaneColumn);
    sql += "CREATE INDEX " + name + "_by_time ON " + name + " (timestamp);\n";
  }
  return sql;
}

}  // namespace

Result<void> refuse_foreign(Db& db) {
  FM_TRY(const std::int64_t tables, db.integer("SELECT count(*) FROM sqlite_schema"));
  if (tables != 0) return Error{Errc::corrupt, "the file is an SQLite database of another program"};
  return {};
}

Result<void> migrate(Db& db, Layout layout) {
  FM_TRY(const std::int64_t version, db.integer("PRAGMA user_version"));
  if (version < 0 || version > kSchemaVersion + kMostVersionsAhead)
    return Error{Errc::corrupt, "the store claims to have version " + std::to_string(version)};
  if (version > kSchemaVersion)
    return Error{Errc::unavailable, "the store has version " + std::to_string(version) + ", this program knows up to " +
                                        std::to_string(kSchemaVersion) + ": update fortium-metrics"};
  if (version == kSchemaVersion) return {};
  std::string sql = "BEGIN IMMEDIATE;";
  if (version < 1) sql += version_1(layout);
  sql += "PRAGMA user_version = " + std::to_string(kSchemaVersion) + "; COMMIT;";
  if (auto done = db.exec(sql); !done) {
    (void)db.exec("ROLLBACK");
    return done;
  }
  return {};
}

std::string schema_sql() { return version_1(Layout::by_id); }

}  // namespace fortium::store
