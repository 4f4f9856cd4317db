// How the store, the queue and the service are: what `status` says, and `watch` in one line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../store/quarantine.h"
#include "../store/sqlite_outbox.h"
#include "fortium/metrics/alerts.h"
#include "local.h"

namespace fortium::app {

struct Status {
  std::vector<std::int64_t> by_kind;
  std::int64_t total = 0;
  std::int64_t bytes = 0;
  store::QueueCounts queue;
  std::string refusal;  // the service's words about the record that was refused first
  sync::LaneState lane;
  std::int64_t spooled = 0;
  std::vector<store::Quarantined> quarantine;
  std::string trouble;  // of the store
  std::vector<metrics::NamedAlert> alerts;
};

Status read_status(const Settings& settings, Local& local);
// What to warn of; none: of nothing.
std::optional<metrics::AlertRules> alert_rules(const Settings& settings);

std::string_view name_of(Mode mode);
std::string_view name_of(sync::Circuit circuit);

}  // namespace fortium::app
