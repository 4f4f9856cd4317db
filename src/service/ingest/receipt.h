// The answer to a batch: a line for each record, in order, and what else clients are promised. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "batch.h"
#include "service/access/rate_limit.h"
#include "service/http/http.h"

namespace fortium::service {

Response receipt(const std::optional<std::string>& batch_id, std::span<const Line> lines, const Standing& standing,
                 double processing_ms);
// {"max_batch_records":…,"max_body_bytes":…}
std::string limits_json();

}  // namespace fortium::service
