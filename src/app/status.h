// How the store, the queue and the service are: what `status` says, and `watch` in one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../store/quarantine.h"
#include "../store/sqlite_outbox.h"
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
};

Status read_status(const Settings& settings, Local& local);

std::string_view name_of(Mode mode);
std::string_view name_of(sync::Circuit circuit);

}  // namespace fortium::app
