// What is answered to who sent records: a line for each of a batch, or what became of a single one, and what else
// clients are promised: limits and figures, in the body and as headers. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ingest.h"

namespace fortium::service {

// The answer to a batch: a line for each record, in order.
Response receipt(const Taken& taken);

// Why none of the records is taken, where all or none are; nothing if they may be.
std::optional<Response> refuse_whole(const Request& request, const Taken& taken);
// The same of a single record, once the store was asked: another record has its id.
std::optional<Response> refuse_conflict(const Request& request, const Taken& taken);
// {"success":true,"data":{…},"rate_limit":…,"performance":…}. `data`: members of it as JSON text.
Response success(int status, const Taken& taken, std::string_view data);
// The documented answer to a single record: 201, or 200 if it was there before. `more`: further members of `data`.
Response single_receipt(const Request& request, const Taken& taken, std::string_view more = {});

// {"max_batch_records":…,"max_body_bytes":…}
std::string limits_json(std::size_t most_body);

}  // namespace fortium::service
