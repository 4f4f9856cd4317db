#include "importing.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "../claude/records.h"
#include "../legacy/read_folder.h"
#include "../store/open_calls.h"
#include "consent.h"
#include "hook_event.h"
#include "import_files.h"

namespace fortium::app {

namespace {

// Records a commit: some 4 MiB, packed. A group comes in the order of its ids, so the larger it is the more of them
// meet in a page, which is written once for all.
constexpr std::size_t kGroup = 16'000;
constexpr std::size_t kFewer = 8'000;  // of those that wait in the recorder, where one takes a KiB
// Pages in the log before it is moved to the file: what is imported is spread over all of the tables, so a page is
// written again and again, but moved once. 64 MiB.
constexpr int kMostFrames = 32'000;
constexpr std::size_t kMostSkipped = 100;  // named one by one
constexpr std::int64_t kKiB = 1'024;

// Of the records themselves only: the environment is that of another session, if of any.
metrics::Stamp stamp_of(const Settings& settings) {
  return {.source = "import", .session_id = "", .user_id = settings.text("user_id"), .project = ""};
}

// Others are kept as they are.
bool is_looked_at(const metrics::Kind& kind) { return kind.name == claude::kRequest || kind.name == claude::kSession; }

bool is_end(const metrics::Event& event) {
  for (std::size_t i = metrics::kEnvelopeSize; i < event.row.size(); ++i)
    if (event.kind->shape[i].name == "change") return event.row[i] == schema::Value(std::string("end"));
  return false;
}

}  // namespace

Importing::Importing(const Settings& settings, const ImportHow& how)
    : settings_(settings),
      how_(how),
      dry_(how.dry || settings.disabled),
      local_(settings, how.lock_wait),
      recorder_(local_.store(), local_.clock(), local_.entropy(), stamp_of(settings), dry_) {}

Result<void> Importing::run(const ImportSources& sources) {
  // Who is not there any more has an end that says so, before the transcript's last line is taken for one.
  if (!dry_ && how_.at_least == claude::Rest::busy && std::filesystem::exists(settings_.data_dir + "/metrics.db"))
    close_gone_sessions(local_);
  if (!sources.transcripts.empty()) FM_TRY_(import_transcripts(sources.transcripts));
  FM_TRY_(import_legacy(sources.legacy));
  FM_TRY_(import_files(sources.records, /*tables=*/false));
  FM_TRY_(import_files(sources.tables, /*tables=*/true));
  FM_TRY_(commit());
  if (how_.fold && !dry_) local_.store().fold();
  if (!dry_) local_.store().tidy_log();
  return {};
}

Result<void> Importing::import_transcripts(const std::vector<std::string>& paths) {
  FM_TRY(const claude::Prices prices, claude::Prices::with_file(settings_.data_dir + "/prices.json"));
  // A dry run makes no store where there is none.
  if (!dry_ || std::filesystem::exists(settings_.data_dir + "/metrics.db")) {
    FM_TRY(store::Database* const database, local_.store().database());
    imports_.emplace(*database);
    closed_ = local_.store().times_closed();
  }
  const auto sessions = claude::find_transcripts(
      paths, [this](const std::string& path, std::string why) { skip(path, 0, std::move(why)); });
  claude::Importer importer(
      prices, settings_.text("user_id"), local_.clock().now(), [this](const std::string& path) { return known(path); },
      [environment = process_environment()](const std::string& dir) { return opted_out(dir, environment); },
      how_.at_least);
  const std::int64_t unread = importer.unread(sessions);
  refused_ = unread > how_.most_bytes;
  if (refused_) return {};
  app::Progress bar(dry_ ? "reading, KiB" : "importing, KiB", unread / kKiB);
  if (!dry_) FM_TRY_(imports_->begin_bulk());
  FM_TRY_(importer.run(sessions, [&](claude::Lot& lot) -> Result<void> {
    FM_TRY_(take(lot));
    const auto now = local_.clock().steady().time_since_epoch();
    bar.show(counts_.read_bytes / kKiB, std::chrono::duration_cast<Millis>(now).count());
    return {};
  }));
  if (dry_) return {};
  // A store that was opened anew meanwhile has the ways of a new one.
  if (local_.store().times_closed() == closed_) FM_TRY_(imports_->end_bulk());
  return commit();
}

// What an earlier run left, looked up once: a run asks only for the files that it sees.
const claude::Progress* Importing::known(const std::string& path) {
  const std::string key = store::Imports::key_of(path);
  auto at = known_.find(key);
  if (at == known_.end()) {
    at = known_.emplace(key, std::nullopt).first;
    // Of a store that was begun anew meanwhile nothing is known.
    const bool same = imports_ && local_.store().times_closed() == closed_;
    const auto found = same ? imports_->find(key) : Result<std::optional<store::ImportedFile>>(std::nullopt);
    if (found && *found)
      at->second = claude::Progress{(*found)->inode, (*found)->size, (*found)->offset,
                                    static_cast<claude::Rest>((*found)->rest), (*found)->carried};
  }
  return at->second ? &*at->second : nullptr;
}

Result<void> Importing::take(claude::Lot& lot) {
  counts_.files += lot.files;
  counts_.read_bytes += lot.read_bytes;
  counts_.lines += lot.counts.lines;
  counts_.merged += lot.counts.merged;
  counts_.api_errors += lot.counts.api_errors;
  for (const auto& [model, count] : lot.unpriced) counts_.unpriced[model] += count;
  for (claude::SkippedLine& one : lot.skipped) skip(std::move(one.file), one.line, std::move(one.why));
  const std::size_t first_file = group_files_.size();
  for (const std::string& path : lot.paths) group_files_.push_back(store::Imports::key_of(path));
  std::map<std::string, std::int64_t> replays;
  for (std::size_t place = 0; place < lot.records.size(); ++place) {
    const claude::Counted& one = lot.counted[place];
    const metrics::Kind& kind = lot.records.kind(place);
    if (is_looked_at(kind)) {
      lot.records.read(place, event_);
      FM_TRY(const bool replay, is_replay(lot, event_, one.side));
      if (replay) {
        ++counts_.replays;
        ++replays[group_files_[first_file + one.file]];
        continue;
      }
      FM_TRY(const bool alive, is_alive(event_));
      if (alive) continue;
    }
    if (!dry_) group_.add(lot.records, place);
    staged(kind, first_file + one.file);
  }
  for (const auto& [path, one] : lot.progress) {
    const std::string key = store::Imports::key_of(path);
    store::ImportedFile& file = progress_[key];
    file = {
        one.inode,  one.size, one.offset, static_cast<std::int64_t>(one.rest), one.carried, file.replays + replays[key],
        file.copies};
  }
  return staged_.size() >= kGroup ? commit() : Result<void>();
}

// The end of a session whose hooks say that it is still there: they will tell its end.
Result<bool> Importing::is_alive(const metrics::Event& event) {
  if (event.kind->name != claude::kSession || dry_ || !is_end(event)) return false;
  FM_TRY(store::Database* const database, local_.store().database());
  return store::is_open(database->db(), event.text(metrics::kSessionId), claude::kSession, "");
}

// The same message under another request id, in a side chain.
Result<bool> Importing::is_replay(const claude::Lot& lot, const metrics::Event& event, bool side) {
  if (!event.has(metrics::kMessageId)) return false;
  if (session_ != lot.session) {
    session_ = lot.session;
    messages_.clear();
    if (lot.resumed && !dry_) {
      FM_TRY(store::Database* const database, local_.store().database());
      FM_TRY(messages_, store::Imports(*database).messages_of(std::string(event.text(metrics::kSessionId))));
    }
  }
  const std::string message = std::string(event.text(metrics::kMessageId)) + "/";
  std::string key = message + std::string(event.text(metrics::kRequestId));
  if (side) {
    const auto other = messages_.lower_bound(message);
    if (other != messages_.end() && other->starts_with(message) && !messages_.contains(key)) return true;
  }
  messages_.insert(std::move(key));
  return false;
}

// Migrating by MCP reads the same files through the same functions.
Result<void> Importing::import_legacy(const std::vector<std::string>& paths) {
  legacy::Found found;
  const legacy::Visitor visitor{.take = [this](const legacy::Converted& one) { return stage(*one.kind, one.record); },
                                .pause = [this] { return staged_.size() >= kFewer ? commit() : Result<void>(); }};
  for (const std::string& path : paths) FM_TRY_(legacy::read_folder(path, found, visitor));
  counts_.files += found.files;
  counts_.read_bytes += found.bytes;
  counts_.skipped_count += found.skipped_count - static_cast<std::int64_t>(found.skipped.size());
  for (legacy::Skipped& one : found.skipped) skip(std::move(one.file), one.line, std::move(one.why));
  return {};
}

Result<void> Importing::import_files(const std::vector<std::string>& paths, bool tables) {
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      skip(path, 0, "cannot be read");
      continue;
    }
    ++counts_.files;
    std::error_code error;
    counts_.read_bytes += static_cast<std::int64_t>(std::filesystem::file_size(path, error));
    const FileVisitor visitor{
        .take = [&](const metrics::Kind& kind, const Json& record, std::int64_t line) -> Result<void> {
          if (!record.contains("id"))
            skip(path, line, "/id: is required, as a record without one would count again at the next import");
          else if (std::string why = stage(kind, record); !why.empty())
            skip(path, line, std::move(why));
          return staged_.size() >= kFewer ? commit() : Result<void>();
        },
        .skip = [&](std::int64_t line, std::string why) { skip(path, line, std::move(why)); }};
    FM_TRY_(tables ? read_table(file, visitor) : read_record_lines(file, visitor));
  }
  return {};
}

std::string Importing::stage(const metrics::Kind& kind, const Json& record) {
  const auto id = recorder_.stage(kind, record, schema::Edge::record);
  if (const auto* wrong = std::get_if<metrics::Violations>(&id)) return schema::to_text(*wrong);
  staged(kind);
  return "";
}

void Importing::staged(const metrics::Kind& kind, std::size_t file) {
  if (dry_)
    ++counts_.imported[std::string(kind.name)];
  else
    staged_.push_back({&kind, file});
}

void Importing::skip(std::string file, std::int64_t line, std::string why) {
  if (++counts_.skipped_count <= static_cast<std::int64_t>(kMostSkipped))
    counts_.skipped.push_back({std::move(file), line, std::move(why)});
}

Result<void> Importing::commit() {
  if (dry_) return {};
  FM_TRY(const auto stored, group_.size() > 0 ? local_.store().append(group_) : recorder_.commit());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i] == metrics::Stored::fresh)
      ++counts_.imported[std::string(staged_[i].kind->name)];
    else
      ++counts_.duplicates;
    if (stored[i] == metrics::Stored::fresh || staged_[i].kind->name != "model_usage") continue;
    if (staged_[i].file == kNoFile) continue;
    if (const auto file = progress_.find(group_files_[staged_[i].file]); file != progress_.end()) ++file->second.copies;
  }
  staged_.clear();
  group_ = {};
  group_files_.clear();
  if (!progress_.empty()) {
    FM_TRY(store::Database* const database, local_.store().database());
    FM_TRY_(store::Imports(*database).save(progress_));
    // One stays, so that the last commit, which makes the others durable, has something to write.
    progress_.erase(std::next(progress_.begin()), progress_.end());
    progress_.begin()->second.replays = progress_.begin()->second.copies = 0;
  }
  local_.store().tidy_log(kMostFrames);
  return {};
}

}  // namespace fortium::app
