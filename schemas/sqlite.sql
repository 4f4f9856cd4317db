-- The local store, version 1.

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
  command_execution BLOB NOT NULL,
  tool_usage BLOB NOT NULL,
  agent_interaction BLOB NOT NULL,
  user_session BLOB NOT NULL,
  productivity_metric BLOB NOT NULL,
  model_usage BLOB NOT NULL,
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

CREATE TABLE command_execution (
  id TEXT PRIMARY KEY NOT NULL,
  timestamp INTEGER,
  recorded_at INTEGER,
  session_id TEXT,
  user_id TEXT,
  team_id TEXT,
  device_id TEXT,
  seq INTEGER,
  source TEXT,
  project TEXT,
  prompt_id TEXT,
  tool_use_id TEXT,
  request_id TEXT,
  message_id TEXT,
  command_name TEXT NOT NULL,
  execution_time_ms REAL,
  status TEXT NOT NULL,
  error_message TEXT,
  command_args TEXT,
  context TEXT,
  lane INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX command_execution_by_time ON command_execution (timestamp);

CREATE TABLE tool_usage (
  id TEXT PRIMARY KEY NOT NULL,
  timestamp INTEGER,
  recorded_at INTEGER,
  session_id TEXT,
  user_id TEXT,
  team_id TEXT,
  device_id TEXT,
  seq INTEGER,
  source TEXT,
  project TEXT,
  prompt_id TEXT,
  tool_use_id TEXT,
  request_id TEXT,
  message_id TEXT,
  tool_name TEXT NOT NULL,
  execution_time_ms REAL,
  status TEXT NOT NULL,
  error_message TEXT,
  context TEXT,
  lane INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX tool_usage_by_time ON tool_usage (timestamp);

CREATE TABLE agent_interaction (
  id TEXT PRIMARY KEY NOT NULL,
  timestamp INTEGER,
  recorded_at INTEGER,
  session_id TEXT,
  user_id TEXT,
  team_id TEXT,
  device_id TEXT,
  seq INTEGER,
  source TEXT,
  project TEXT,
  prompt_id TEXT,
  tool_use_id TEXT,
  request_id TEXT,
  message_id TEXT,
  agent_name TEXT NOT NULL,
  interaction_type TEXT NOT NULL,
  input_tokens INTEGER,
  output_tokens INTEGER,
  execution_time_ms REAL,
  status TEXT NOT NULL,
  error_message TEXT,
  command_execution_id TEXT,
  metadata TEXT,
  lane INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX agent_interaction_by_time ON agent_interaction (timestamp);

CREATE TABLE user_session (
  id TEXT PRIMARY KEY NOT NULL,
  timestamp INTEGER,
  recorded_at INTEGER,
  session_id TEXT,
  user_id TEXT,
  team_id TEXT,
  device_id TEXT,
  seq INTEGER,
  source TEXT,
  project TEXT,
  prompt_id TEXT,
  tool_use_id TEXT,
  request_id TEXT,
  message_id TEXT,
  change TEXT,
  status TEXT,
  session_start INTEGER,
  session_end INTEGER,
  total_duration_ms REAL,
  commands_executed INTEGER,
  agents_used TEXT,
  productivity_score REAL,
  completion_reason TEXT,
  tasks_completed REAL,
  satisfaction_score REAL,
  focus_time_minutes REAL,
  interruption_count INTEGER,
  context TEXT,
  lane INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX user_session_by_time ON user_session (timestamp);

CREATE TABLE productivity_metric (
  id TEXT PRIMARY KEY NOT NULL,
  timestamp INTEGER,
  recorded_at INTEGER,
  session_id TEXT,
  user_id TEXT,
  team_id TEXT,
  device_id TEXT,
  seq INTEGER,
  source TEXT,
  project TEXT,
  prompt_id TEXT,
  tool_use_id TEXT,
  request_id TEXT,
  message_id TEXT,
  metric_type TEXT NOT NULL,
  value REAL NOT NULL,
  unit TEXT,
  period_start INTEGER,
  period_end INTEGER,
  dimensions TEXT,
  lane INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX productivity_metric_by_time ON productivity_metric (timestamp);

CREATE TABLE model_usage (
  id TEXT PRIMARY KEY NOT NULL,
  timestamp INTEGER,
  recorded_at INTEGER,
  session_id TEXT,
  user_id TEXT,
  team_id TEXT,
  device_id TEXT,
  seq INTEGER,
  source TEXT,
  project TEXT,
  prompt_id TEXT,
  tool_use_id TEXT,
  request_id TEXT,
  message_id TEXT,
  model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER,
  cache_creation_tokens INTEGER,
  cost_usd REAL,
  duration_ms REAL,
  lane INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX model_usage_by_time ON model_usage (timestamp);
