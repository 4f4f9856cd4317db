// `fortium-metrics export`: every record, or the queue as files that are carried to the service by hand.
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "../store/records.h"
#include "commands.h"
#include "fortium/base/api_key.h"
#include "fortium/base/csv.h"
#include "fortium/base/files.h"
#include "fortium/sync/signed_file.h"
#include "local.h"
#include "terminal.h"
#include "time_of.h"

namespace fortium::app {

namespace {

// Columns of all kinds, in the order of the table of kinds, each once.
std::vector<std::string_view> columns() {
  std::vector<std::string_view> names = {"kind"};
  std::set<std::string_view> known;
  for (const metrics::Kind& kind : metrics::kinds())
    for (const schema::Field& field : kind.shape)
      if (known.insert(field.name).second) names.push_back(field.name);
  return names;
}

std::string csv_line(const metrics::Event& event, const std::vector<std::string_view>& names) {
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out += ',';
    if (name == "kind") out += event.kind->name;
    for (std::size_t i = 0; i < event.row.size(); ++i) {
      if (event.kind->shape[i].name != name || event.row[i].index() == 0) continue;
      std::string json;
      schema::append_value(json, event.kind->shape[i], event.row[i]);
      const auto text = json.front() == '"' ? parse_json(json) : Result<Json>(Json(json));
      append_csv(out, text ? text->get<std::string>() : json);
    }
  }
  return out;
}

int export_records(store::Database& database, const ExportCommand& command, WallTime since, WallTime until) {
  const bool json = command.format == "json", csv = command.format == "csv";
  const std::vector<std::string_view> names = columns();
  if (csv) {
    std::string header;
    for (const std::string_view name : names) header += (header.empty() ? "" : ",") + std::string(name);
    std::cout << header << "\r\n";
  }
  if (json) std::cout << "{\"records\":[";
  bool first = true;
  for (const metrics::Kind& kind : metrics::kinds()) {
    auto done = store::each_record(database, kind, since, until, [&](const metrics::Event& event) {
      std::string line;
      if (csv)
        line = csv_line(event, names) + "\r\n";
      else
        append_wire(line, event, /*named=*/true);
      if (json && !first) std::cout << ',';
      first = false;
      std::cout << line << (csv || json ? "" : "\n");
      return std::cout.good();
    });
    if (!done) return fail_store(done.error());
  }
  if (json) std::cout << "]}\n";
  std::cout.flush();
  return std::cout.good() ? kDone : fail(kFailed, "not everything could be written to standard output");
}

// The queue, read as a sender would, and left as it is: it empties by receipts only.
class BatchFiles {
 public:
  BatchFiles(const ExportCommand& command, const KeyParts& key, const Settings& settings, std::string device_id,
             Local& local)
      : command_(command), key_(key), settings_(settings), device_id_(std::move(device_id)), local_(local) {}

  Result<void> write(store::SqliteOutbox& outbox) {
    sync::BatchLimits limits{.records = sync::kMostBatch, .bytes = sync::kDefaultBodyBytes - sync::kEnvelopeBytes};
    std::int64_t after = 0;
    while (true) {
      FM_TRY(const std::vector<sync::Waiting> rows, outbox.peek(limits, after));
      if (rows.empty()) return finish_file();
      after = rows.back().place;
      const WallTime now = local_.clock().now();
      lines_ += net::render_batch({uuid7(now, local_.entropy()), rows, false}, device_id_, now) + "\n";
      in_file_ += static_cast<std::int64_t>(rows.size());
      ++batches;
      if (in_file_ >= sync::kMostBatchFileRecords) FM_TRY_(finish_file());
    }
  }

  std::vector<std::string> files;
  std::int64_t records = 0, batches = 0;

 private:
  Result<void> finish_file() {
    if (in_file_ == 0) return {};
    const std::string path = command_.batch + (files.empty() ? "" : "." + std::to_string(files.size() + 1));
    std::string packed = lines_.size() >= net::kGzipFrom ? net::gzip(lines_) : std::string();
    const bool gzip = !packed.empty();
    const sync::SignedFile file{std::string(sync::kBatchFile),
                                key_.id,
                                settings_.text("org_id"),
                                device_id_,
                                to_rfc3339(local_.clock().now()),
                                gzip ? "gzip" : "identity",
                                gzip ? std::move(packed) : std::move(lines_)};
    FM_TRY_(write_file(path, write_signed(file, key_.hash)));
    files.push_back(path);
    records += in_file_;
    lines_.clear();
    in_file_ = 0;
    return {};
  }

  const ExportCommand& command_;
  const KeyParts& key_;
  const Settings& settings_;
  const std::string device_id_;
  Local& local_;
  std::string lines_;
  std::int64_t in_file_ = 0;
};

int export_batches(const Settings& settings, Local& local, store::Database& database, const ExportCommand& command) {
  if (auto can = can_send(settings); !can) return fail(kConfiguration, can.error().what);
  const auto key = read_key(settings.api_key.reveal());
  if (!key) return fail(kConfiguration, "api_key has not the form of a key of the service, so nothing can be signed");
  auto lane = local.store().lane();
  if (!lane) return fail_store(lane.error());
  store::SqliteOutbox outbox(database, *lane, local.entropy());
  BatchFiles batches(command, *key, settings, database.device_id(), local);
  if (auto done = batches.write(outbox); !done)
    return fail(done.error().code == Errc::corrupt ? kStore : kFailed, done.error().what);
  if (command.json) {
    std::cout << dump_json({{"files", batches.files}, {"records", batches.records}, {"batches", batches.batches}})
              << "\n";
    return kDone;
  }
  if (batches.files.empty()) std::cout << "nothing waits\n";
  for (const std::string& file : batches.files) std::cout << "wrote " << file << "\n";
  if (!batches.files.empty())
    std::cout << with_thousands(batches.records)
              << " records; they stay queued until `fortium-metrics queue settle` gets the receipts that "
                 "`fortium-metrics-server import-batch --receipts` writes\n";
  return kDone;
}

}  // namespace

int run_export(const Settings& settings, const ExportCommand& command) {
  tell_problems(settings);
  Local local(settings);
  const WallTime now = local.clock().now();
  const report::Zone zone = report::Zone::system();
  auto since = command.since.empty() ? Result<WallTime>(from_ms(0)) : since_of(command.since, now, zone);
  if (!since) return fail(kUsage, since.error().what);
  auto until = command.until.empty() ? Result<WallTime>(store::kAnyTime) : until_of(command.until, now, zone);
  if (!until) return fail(kUsage, until.error().what);
  if (*until <= *since) return fail(kUsage, "--until: must be later than --since");
  if (auto done = local.store().salvage(); !done) return fail_store(done.error());
  auto database = local.store().database();
  if (!database) return fail_store(database.error());
  if (!command.batch.empty()) return export_batches(settings, local, **database, command);
  return export_records(**database, command, *since, *until);
}

}  // namespace fortium::app
