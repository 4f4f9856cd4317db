#include "status.h"

#include <filesystem>

#include "../store/limits.h"
#include "../store/records.h"

namespace fortium::app {

namespace {

Result<void> read_store(Local& local, Status& status) {
  FM_TRY(store::Database* const database, local.store().database());
  FM_TRY(const std::int64_t lane, local.store().lane());
  FM_TRY(status.by_kind, store::count_records(*database));
  FM_TRY(status.bytes, store::bytes_in_use(database->db()));
  FM_TRY(status.queue, store::count_queue(*database, lane, local.clock().now()));
  if (status.queue.failed > 0) {
    FM_TRY(const store::QueuePage refused,
           store::list_queue(*database, /*failed_only=*/true, 1, "", local.clock().now()));
    if (!refused.entries.empty()) status.refusal = refused.entries.front().reason;
  }
  if (lane != store::kNoLane) {
    store::SqliteOutbox outbox(*database, lane, local.entropy());
    FM_TRY(status.lane, outbox.state());
  }
  for (const std::int64_t count : status.by_kind) status.total += count;
  return {};
}

Result<void> read_alerts(const Settings& settings, Local& local, Status& status) {
  const auto rules = alert_rules(settings);
  if (!rules) return {};
  FM_TRY(metrics::Reader* const reader, local.reader());
  FM_TRY(status.alerts, current_alerts(*reader, *rules, local.clock().now()));
  return {};
}

}  // namespace

std::optional<metrics::AlertRules> alert_rules(const Settings& settings) {
  if (!settings.flag("performance_monitoring")) return std::nullopt;
  return metrics::AlertRules{.error_rate = static_cast<double>(settings.number("alert_error_rate")) / 100,
                             .slow_ms = static_cast<double>(settings.number("alert_slow_ms")),
                             .usage = static_cast<double>(settings.number("alert_usage"))};
}

Status read_status(const Settings& settings, Local& local) {
  Status status;
  const bool nothing = settings.disabled && !std::filesystem::exists(settings.data_dir + "/metrics.db");
  if (auto read = nothing ? Result<void>() : read_store(local, status); !read)
    status.trouble = read.error().what;
  else
    status.trouble = local.store().trouble();
  if (status.trouble.empty())
    if (auto read = read_alerts(settings, local, status); !read) status.trouble = read.error().what;
  status.spooled = local.store().spool().count();
  status.quarantine = store::list_quarantine(settings.data_dir + "/quarantine");
  if (status.by_kind.empty()) status.by_kind.resize(metrics::kinds().size());
  return status;
}

std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::local: return "local";
    case Mode::hybrid: return "hybrid";
    case Mode::remote: return "remote";
  }
  return "local";
}

std::string_view name_of(sync::Circuit circuit) {
  switch (circuit) {
    case sync::Circuit::closed: return "closed";
    case sync::Circuit::open: return "open";
    case sync::Circuit::paused: return "paused";
  }
  return "closed";
}

}  // namespace fortium::app
