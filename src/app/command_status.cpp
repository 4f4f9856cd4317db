// `fortium-metrics status`: store, queue and sync at a glance.
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "../store/migrations.h"
#include "commands.h"
#include "status.h"
#include "terminal.h"

namespace fortium::app {

namespace {

Json time_or_null(const std::optional<WallTime>& time) { return time ? Json(to_rfc3339(*time)) : Json(); }

Json to_json(const std::vector<store::Quarantined>& quarantine) {
  Json all = Json::array();
  for (const store::Quarantined& one : quarantine)
    all.push_back(
        {{"path", one.dir}, {"why", one.why}, {"salvaged", one.salvaged.empty() ? Json() : Json(one.salvaged)}});
  return all;
}

Json to_json(const std::vector<metrics::NamedAlert>& alerts) {
  Json all = Json::array();
  for (const auto& [kind, name, alert] : alerts)
    all.push_back({{"kind", metrics::kinds()[kind].name},
                   {"name", name},
                   {"type", alert.type},
                   {"severity", alert.severity},
                   {"message", alert.message},
                   {"threshold", alert.threshold},
                   {"actual", alert.actual}});
  return all;
}

Json to_json(const Settings& settings, const Status& status, WallTime now) {
  Json by_kind = Json::object();
  for (std::size_t i = 0; i < status.by_kind.size(); ++i)
    if (status.by_kind[i] > 0) by_kind[std::string(metrics::kinds()[i].name)] = status.by_kind[i];
  const Json oldest = status.queue.oldest ? Json((now - *status.queue.oldest).count()) : Json();
  const std::string& url = settings.text("url");
  const std::string& organization = settings.text("org_id");
  Json store{{"path", settings.data_dir + "/metrics.db"},
             {"bytes", status.bytes},
             {"durability", settings.text("durability")},
             {"schema_version", store::kSchemaVersion},
             {"ok", status.trouble.empty()},
             {"trouble", status.trouble.empty() ? Json() : Json(status.trouble)},
             {"spooled", status.spooled},
             {"quarantine", to_json(status.quarantine)}};
  Json queue{{"pending", status.queue.pending},
             {"leased", status.queue.leased},
             {"failed", status.queue.failed},
             {"failed_reason", status.refusal.empty() ? Json() : Json(status.refusal)},
             {"oldest_ms", oldest},
             {"unassigned", status.queue.unassigned},
             {"elsewhere", status.queue.elsewhere}};
  Json sync{{"url", url.empty() ? Json() : Json(url)},
            {"organization_id", organization.empty() ? Json() : Json(organization)},
            {"last_success", time_or_null(status.lane.last_success)},
            {"last_error", status.lane.last_error.empty() ? Json() : Json(status.lane.last_error)},
            {"circuit", name_of(status.lane.circuit)},
            {"next_attempt", time_or_null(status.lane.not_before)}};
  return {{"version", FORTIUM_VERSION},
          {"mode", name_of(settings.mode)},
          {"recording", !settings.disabled},
          {"store", std::move(store)},
          {"records", {{"total", status.total}, {"by_kind", std::move(by_kind)}}},
          {"alerts", to_json(status.alerts)},
          {"queue", std::move(queue)},
          {"sync", std::move(sync)}};
}

void print(const Settings& settings, const Status& status, WallTime now) {
  std::cout << "fortium-metrics " FORTIUM_VERSION ", mode " << name_of(settings.mode)
            << (settings.disabled ? ", recording is switched off" : "") << "\n";
  std::cout << "store    " << settings.data_dir << "/metrics.db, " << human_bytes(status.bytes) << ", durability "
            << settings.text("durability") << "\n";
  if (!status.trouble.empty()) std::cout << "         trouble: " << status.trouble << "\n";
  if (status.spooled > 0) std::cout << "         " << with_thousands(status.spooled) << " records wait in the spool\n";
  for (const store::Quarantined& one : status.quarantine)
    std::cout << "         a store that could not be used (" << one.why << ") was moved to " << one.dir << ": "
              << (one.salvaged.empty()
                      ? "its records are brought over when nobody waits, or by `fortium-metrics doctor "
                        "--repair`"
                      : one.salvaged + "; remove the folder when you do not need it")
              << "\n";
  std::cout << "records  " << with_thousands(status.total);
  const char* separator = ": ";
  for (std::size_t i = 0; i < status.by_kind.size(); ++i) {
    if (status.by_kind[i] == 0) continue;
    std::cout << separator << with_thousands(status.by_kind[i]) << " " << metrics::kinds()[i].title;
    separator = ", ";
  }
  std::cout << "\n";
  const char* title = "unusual  ";
  for (const auto& [kind, name, alert] : status.alerts) {
    std::cout << std::exchange(title, "         ") << report::harmless(name) << ": " << alert.message
              << (alert.severity == "critical" ? " (critical)" : "") << "\n";
  }
  if (settings.mode == Mode::local) {
    std::cout << "queue    nothing is sent in local mode\n";
    return;
  }
  std::cout << "queue    " << with_thousands(status.queue.pending) << " waiting";
  if (status.queue.oldest)
    std::cout << " (the oldest for " << human_ms(static_cast<double>((now - *status.queue.oldest).count())) << ")";
  std::cout << ", " << with_thousands(status.queue.failed) << " refused";
  if (status.queue.failed > 0) std::cout << " (fortium-metrics queue list --failed)";
  std::cout << "\n";
  if (!status.refusal.empty()) std::cout << "         the service said of the first: " << status.refusal << "\n";
  if (status.queue.unassigned > 0)
    std::cout << "         " << with_thousands(status.queue.unassigned)
              << " made before there was an account (fortium-metrics sync --adopt)\n";
  if (status.queue.elsewhere > 0)
    std::cout << "         " << with_thousands(status.queue.elsewhere)
              << " for another organization or service, kept for it\n";
  std::cout << "sync     " << settings.text("url") << ", key " << settings.api_key.masked() << ", circuit "
            << name_of(status.lane.circuit) << ", last success "
            << (status.lane.last_success ? to_rfc3339(*status.lane.last_success) : "never") << "\n";
  if (!status.lane.last_error.empty()) std::cout << "         last error: " << status.lane.last_error << "\n";
  if (status.lane.not_before && *status.lane.not_before > now)
    std::cout << "         next attempt " << to_rfc3339(*status.lane.not_before) << "\n";
}

}  // namespace

int run_status(const Settings& settings, bool json) {
  tell_problems(settings);
  Local local(settings);
  const Status status = read_status(settings, local);
  const WallTime now = local.clock().now();
  if (json)
    std::cout << dump_json(to_json(settings, status, now)) << "\n";
  else
    print(settings, status, now);
  if (!status.trouble.empty()) return fail(kStore, status.trouble);
  return settings.problems.empty() ? kDone : kConfiguration;
}

}  // namespace fortium::app
