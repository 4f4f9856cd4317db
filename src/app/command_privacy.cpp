// `fortium-metrics privacy show`: the newest records, to the byte as they would leave.
#include <iostream>
#include <nlohmann/json.hpp>

#include "../net/http_uplink.h"
#include "../store/records.h"
#include "commands.h"
#include "local.h"

namespace fortium::app {

namespace {

std::string destination_text(const Settings& settings) {
  const auto can = can_send(settings);
  return can ? without_userinfo(settings.text("url")) : "";
}

}  // namespace

int run_privacy(const Settings& settings, const PrivacyCommand& command) {
  tell_problems(settings);
  Local local(settings);
  auto database = local.store().database();
  if (!database) return fail_store(database.error());
  const auto newest = store::newest_records(**database, command.limit);
  if (!newest) return fail_store(newest.error());
  std::vector<sync::Waiting> rows;
  for (const metrics::Event& event : *newest) {
    sync::Waiting row{.id = std::string(event.id()), .kind = metrics::index_of(*event.kind)};
    append_wire(row.wire, event);
    rows.push_back(std::move(row));
  }
  const WallTime now = local.clock().now();
  const std::string body =
      net::render_batch({uuid7(now, local.entropy()), std::move(rows), false}, (*database)->device_id(), now);
  if (command.json) {
    std::cout << body << "\n";
    return kDone;
  }
  std::cout << "May be kept by hooks, beside names, sizes and times:\n";
  for (const char* key : {"privacy.prompts", "privacy.arguments", "privacy.paths", "privacy.errors"})
    std::cout << "  " << key << ": " << (settings.flag(key) ? "yes" : "no") << "\n";
  const std::string destination = destination_text(settings);
  if (destination.empty())
    std::cout << "Nothing leaves: " << can_send(settings).error().what << "\n";
  else
    std::cout << "Records are sent to " << destination << "\n";
  std::cout << "The newest " << newest->size() << " records as one request has them:\n";
  const auto pretty = parse_json(body);
  std::cout << (pretty ? dump_json_pretty(*pretty) : body) << "\n";
  return kDone;
}

}  // namespace fortium::app
