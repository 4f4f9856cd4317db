// `fortium-metrics doctor`: the local side, check by check, and what to do.
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "../store/checkup.h"
#include "../store/migrations.h"
#include "../store/quarantine.h"
#include "../store/slices.h"
#include "claude_code.h"
#include "commands.h"
#include "fortium/base/files.h"
#include "local.h"
#include "terminal.h"

namespace fortium::app {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLowSpace = 100LL << 20, kNoSpace = 10LL << 20;  // bytes
constexpr std::size_t kMostJson = 64 << 20;                             // of Claude Code's files

enum class Level { ok, warning, problem };

struct Finding {
  Level level = Level::ok;
  std::string detail;
  std::string hint = "";
};

// What several checks look at.
struct Patient {
  const Settings& settings;
  Local& local;
  bool repair = false;
  bool exists = false;                  // there is a store
  store::Database* database = nullptr;  // open, if it could be opened

  std::string path(const std::string& name) const { return settings.data_dir + "/" + name; }
};

struct Check {
  const char* name;
  bool of_store;  // a problem makes the exit code that of the store
  Finding (*run)(Patient& patient);
};

std::string mode_of(const struct stat& info) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", info.st_mode & 07777U);
  return text;
}

std::string why(const std::string& path, const char* doing) {
  return "cannot " + std::string(doing) + " " + path + ": " + std::strerror(errno);
}

Finding data_directory(Patient& patient) {
  const std::string& dir = patient.settings.data_dir;
  struct stat info {};
  if (::lstat(dir.c_str(), &info) != 0) {
    if (errno == ENOENT) return {Level::ok, dir + " is made with the first record"};
    return {Level::problem, why(dir, "use"), "check the path: --data-dir, FORTIUM_DATA_DIR or XDG_DATA_HOME"};
  }
  const bool link = S_ISLNK(info.st_mode);
  if (link && ::stat(dir.c_str(), &info) != 0)
    return {Level::problem, dir + " is a link to nowhere", "remove it, or make what it points to"};
  if (!S_ISDIR(info.st_mode)) return {Level::problem, dir + " is not a directory", "move it away"};
  if (info.st_uid != ::getuid())
    return {Level::problem, dir + " belongs to somebody else", "choose another one with FORTIUM_DATA_DIR"};
  if (::access(dir.c_str(), W_OK | X_OK) != 0)
    return {Level::problem, why(dir, "write to"), "chmod 0700 '" + dir + "'"};
  if ((info.st_mode & 077) != 0)
    return {Level::warning, dir + " has mode " + mode_of(info) + ": others may look into it",
            "chmod 0700 '" + dir + "'"};
  return {Level::ok, dir + (link ? " (a link), " : ", ") + mode_of(info)};
}

Finding files(Patient& patient) {
  std::string wrong, hint;
  int count = 0;
  for (const char* name : {"metrics.db", "metrics.db-wal", "metrics.db-shm", "metrics.db-journal", "metrics.db.lock",
                           "metrics.db.inbox", "salt", "spool", "quarantine", "log", "log/fortium-metrics.log"}) {
    const std::string path = patient.path(name);
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) continue;
    ++count;
    if (S_ISLNK(info.st_mode))
      return {Level::problem, path + " is a link, which is never followed", "put the file itself there"};
    if (info.st_uid != ::getuid())
      return {Level::problem, path + " belongs to somebody else", "chown it, or move it away"};
    if ((info.st_mode & 077) == 0) continue;
    wrong += (wrong.empty() ? "" : ", ") + std::string(name) + " " + mode_of(info);
    hint += (hint.empty() ? "chmod go-rwx" : "") + std::string(" '") + path + "'";
  }
  if (!wrong.empty()) return {Level::warning, "others may read " + wrong, hint};
  return {Level::ok, std::to_string(count) + " files and folders, for their owner only"};
}

Finding file_system(Patient& patient) {
  std::string dir = patient.settings.data_dir;
  while (!fs::exists(dir) && dir.size() > 1) dir = fs::path(dir).parent_path();
  struct statfs info {};
  if (::statfs(dir.c_str(), &info) != 0) return {Level::warning, why(dir, "look at the file system of")};
  if (const std::string_view network = network_file_system(dir); !network.empty())
    return {Level::warning,
            "the data directory is on " + std::string(network) +
                ": records are safe as far as it keeps its word about locks and syncs, and slower than on a local disk",
            "set FORTIUM_DATA_DIR to a directory on a local disk"};
  const std::int64_t free = static_cast<std::int64_t>(info.f_bavail) * info.f_bsize;
  const std::string left = human_bytes(free) + " free";
  if (free < kLowSpace)
    return {free < kNoSpace ? Level::problem : Level::warning, left, "make space: records that do not fit are refused"};
  return {Level::ok, "local, " + left};
}

Finding sqlite(Patient&) {
  auto db = store::Db::open(":memory:", store::Db::Mode::create);
  auto version = db ? db->prepare("SELECT sqlite_version()") : Result<store::Statement>(db.error());
  if (!version || !version->step()) return {Level::problem, "SQLite does not work", "install the program again"};
  return {Level::ok, std::string(version->text(0)) +
                         "; writers and checkpoints take turns by metrics.db.lock, as before 3.51.3 a checkpoint that "
                         "meets a commit can lose pages"};
}

Finding lock(Patient& patient) {
  if (!patient.exists) return {Level::ok, "not needed yet"};
  auto lock = store::WriteLock::open(patient.path("metrics.db.lock"));
  if (!lock) return {Level::problem, lock.error().what, "check owner and mode of the file"};
  if (auto taken = lock->take(Millis(1'000)); !taken)
    return {Level::warning, taken.error().what, "another session writes; records go to the spool meanwhile"};
  lock->give_back();
  return {Level::ok, "free"};
}

Finding store_file(Patient& patient) {
  if (!patient.exists) return {Level::ok, "nothing was recorded yet"};
  auto database = patient.local.store().database();
  if (!database)
    return {Level::problem, database.error().what, "recording goes on in the spool until the store can be opened"};
  patient.database = *database;
  auto version = (*database)->db().integer("PRAGMA user_version");
  return {Level::ok, (*database)->path() + ", version " + std::to_string(version ? *version : 0) + ", durability " +
                         patient.settings.text("durability")};
}

Finding integrity(Patient& patient) {
  if (patient.database == nullptr) return {Level::ok, "no open store to look at"};
  auto found = store::check_whole(patient.database->db());
  if (found && found->empty()) return {Level::ok, "the whole file was looked through, and nothing found"};
  const std::string what = found ? *found : found.error().what;
  if (!patient.repair)
    return {Level::problem, what, "`fortium-metrics doctor --repair` moves it aside and brings over what can be read"};
  patient.local.store().note_error({Errc::corrupt, what});
  auto database = patient.local.store().database();
  patient.database = database ? *database : nullptr;
  return database ? Finding{Level::warning, "was damaged (" + what + ") and is replaced"}
                  : Finding{Level::problem, database.error().what, "the damaged file could not be replaced"};
}

Finding slices(Patient& patient) {
  if (patient.database == nullptr) return {Level::ok, "no open store to look at"};
  std::optional<Progress> progress;
  auto hours = store::differing_hours(*patient.database, [&](std::int64_t done, std::int64_t total) {
    if (!progress) progress.emplace("adding up hours", total);
    progress->show(done, to_ms(patient.local.clock().now()));
  });
  progress.reset();
  if (!hours) return {Level::problem, hours.error().what, "see the checks above"};
  if (hours->empty()) return {Level::ok, "what reports are made of is what the records add up to"};
  const std::string differ = "in " + with_thousands(static_cast<std::int64_t>(hours->size())) + " hours, the first " +
                             to_rfc3339(metrics::begin_of(hours->front())) +
                             ", reports are not what the records add up to";
  if (!patient.repair)
    return {Level::problem, differ, "`fortium-metrics doctor --repair` adds up the records of these hours again"};
  if (auto done = store::rebuild(*patient.database, *hours); !done)
    return {Level::problem, done.error().what, "try again"};
  return {Level::warning, differ + "; they were added up again"};
}

Finding quarantine(Patient& patient) {
  if (patient.repair && patient.database != nullptr)
    if (auto done = patient.local.store().salvage(); !done)
      return {Level::problem, done.error().what, "try again: nothing of the quarantine was changed"};
  const auto list = store::list_quarantine(patient.path("quarantine"));
  if (list.empty()) return {Level::ok, "empty"};
  std::string detail, hint;
  for (const store::Quarantined& one : list) {
    detail += (detail.empty() ? "" : "; ") + one.dir + " (" + one.why +
              "): " + (one.salvaged.empty() ? "not brought over yet" : one.salvaged);
    if (one.salvaged.empty())
      hint = "it is brought over when nobody waits, or now by `fortium-metrics doctor --repair`";
  }
  return {Level::warning, detail, hint.empty() ? "remove the folders when you do not need them" : hint};
}

Finding spool(Patient& patient) {
  const std::int64_t count = patient.local.store().spool().count();
  std::error_code error;
  int damaged = 0;
  for (const auto& entry : fs::directory_iterator(patient.path("spool"), error))
    damaged += entry.path().extension() == ".damaged" ? 1 : 0;
  if (damaged > 0)
    return {Level::warning, std::to_string(damaged) + " files of damaged lines in " + patient.path("spool"),
            "look at them, and remove them when you do not need them"};
  if (count > 0)
    return {Level::warning, with_thousands(count) + " records wait to be merged into the store",
            "they are merged when the store is free; see the checks above"};
  return {Level::ok, "empty"};
}

Finding queue(Patient& patient) {
  if (patient.database == nullptr) return {Level::ok, "no open store to look at"};
  auto lane = patient.local.store().lane();
  auto counts = lane ? store::count_queue(*patient.database, *lane, patient.local.clock().now())
                     : Result<store::QueueCounts>(lane.error());
  if (!counts) return {Level::problem, counts.error().what, "see the checks above"};
  const std::string waiting = with_thousands(counts->pending) + " wait";
  if (counts->failed > 0)
    return {Level::warning, waiting + ", " + with_thousands(counts->failed) + " were refused by the service",
            "fortium-metrics queue list --failed"};
  return {Level::ok, waiting};
}

Finding settings(Patient& patient) {
  const Settings& settings = patient.settings;
  std::string wrong;
  for (const Problem& problem : settings.problems) wrong += (wrong.empty() ? "" : "; ") + problem.what;
  if (!wrong.empty())
    return {Level::problem, wrong, "recording goes on with the defaults; fortium-metrics config set mends the file"};
  std::string set;
  for (const auto& [key, value] : settings.values)
    if (value.set) set += (set.empty() ? "" : ", ") + key + " (" + value.origin + ")";
  if (settings.disabled)
    return {Level::warning, "recording is switched off by the environment",
            "unset FORTIUM_METRICS_DISABLED and DO_NOT_TRACK"};
  return {Level::ok, set.empty() ? "all as they come" : set};
}

Finding key(Patient& patient) {
  const Settings& settings = patient.settings;
  if (settings.api_key.empty()) {
    if (settings.text("url").empty()) return {Level::ok, "none, and nothing is sent"};
    return {Level::warning, "there is a url, but no key", "set FORTIUM_API_KEY, api_key_file or api_key_command"};
  }
  const std::string& origin = settings.values.at("api_key").origin;
  const std::string file = origin == "api_key_file" ? settings.text("api_key_file") : origin;
  struct stat info {};
  if (file.starts_with('/') && ::stat(file.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
    return {Level::warning, "others may read the key in " + file + ", mode " + mode_of(info),
            "chmod 0600 '" + file + "'"};
  return {Level::ok, settings.api_key.masked() + " (" + origin + ")"};
}

Finding network_module(Patient& patient) {
  if (auto client = net::make_client({.origin = {false, "127.0.0.1", 9, ""}, .ca_file = "", .proxy = ""}); !client)
    return {patient.settings.mode == Mode::local ? Level::warning : Level::problem, client.error().what,
            "install the program again: net.so belongs beside it"};
  return {Level::ok, "found, of this version"};
}

// As `install claude-code` does it: what it would add is what is looked for.
Finding claude_code(Patient&) {
  const Environment environment = process_environment();
  std::vector<std::string> seen;
  std::string servers, hooks, missing;
  for (const Scope scope : {Scope::user, Scope::project, Scope::local}) {
    const ClaudeFiles files = claude_files(scope, environment);
    for (const std::string& path : {files.servers, files.settings}) {
      if (std::ranges::find(seen, path) != seen.end()) continue;
      seen.push_back(path);
      const auto text = read_file(path, kMostJson);
      auto wiring = text ? claude::wiring_of(*text) : Result<claude::Wiring>(text.error());
      if (!wiring) continue;
      if (wiring->server) servers += (servers.empty() ? "" : ", ") + path;
      if (!wiring->events.empty())
        hooks += (hooks.empty() ? "" : ", ") + path + " (" + std::to_string(wiring->events.size()) + " events)";
      wiring->programs.push_back(wiring->server_program);
      for (const std::string& program : wiring->programs)
        if (program.starts_with('/') && ::access(program.c_str(), X_OK) != 0 && missing.empty())
          missing = path + " starts " + program + ", which cannot be run";
    }
  }
  constexpr const char* kInstall = "fortium-metrics install claude-code";
  if (servers.empty() && hooks.empty()) return {Level::warning, "not registered with Claude Code", kInstall};
  if (!missing.empty()) return {Level::warning, missing, kInstall};
  std::string detail = servers.empty() ? "no server" : "registered in " + servers;
  if (hooks.empty()) return {Level::ok, detail + "; no hooks: only what a model records"};
  return {Level::ok, detail + "; hooks in " + hooks};
}

// The one table: order of the report, text and JSON alike.
constexpr Check kChecks[] = {
    {"data directory", true, data_directory},
    {"files", true, files},
    {"file system", true, file_system},
    {"SQLite", true, sqlite},
    {"lock", true, lock},
    {"store", true, store_file},
    {"integrity", true, integrity},
    {"slices", true, slices},
    {"quarantine", true, quarantine},
    {"spool", true, spool},
    {"queue", false, queue},
    {"settings", false, settings},
    {"key", false, key},
    {"network module", false, network_module},
    {"Claude Code", false, claude_code},
};

std::string_view name_of(Level level) {
  switch (level) {
    case Level::ok: return "ok";
    case Level::warning: return "warning";
    case Level::problem: return "problem";
  }
  return "problem";
}

}  // namespace

int run_doctor(const Settings& settings, const DoctorCommand& command) {
  Local local(settings);
  Patient patient{settings, local, command.repair};
  patient.exists = fs::exists(fs::symlink_status(patient.path("metrics.db")));
  int exit = kDone;
  Json rows = Json::array();
  for (const Check& check : kChecks) {
    const Finding found = check.run(patient);
    if (found.level == Level::problem && exit != kStore) exit = check.of_store ? kStore : kFailed;
    if (command.json) {
      rows.push_back({{"name", check.name},
                      {"status", name_of(found.level)},
                      {"detail", found.detail},
                      {"hint", found.hint.empty() ? Json() : Json(found.hint)}});
      continue;
    }
    std::printf("%-7s  %-14s  %s\n", std::string(name_of(found.level)).c_str(), check.name, found.detail.c_str());
    if (found.level != Level::ok && !found.hint.empty()) std::printf("%-25swhat to do: %s\n", "", found.hint.c_str());
  }
  if (command.json) std::cout << dump_json({{"ok", exit == kDone}, {"checks", std::move(rows)}}) << "\n";
  return exit;
}

}  // namespace fortium::app
