// Scopes: what an API key may do. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/api_key.h"
#include "fortium/base/result.h"

namespace fortium::service {

// What a key may do, or'ed together.
using Scopes = unsigned;
constexpr Scopes kIngest = 1;  // write records; read the ledger of a device
constexpr Scopes kRead = 2;    // read what was recorded
constexpr Scopes kAdmin = 4;   // its organization's people, keys, settings and audit log
constexpr Scopes kSuper = 8;   // organizations; given by the command line alone

// "ingest", "read,admin", … in any order; at least one.
Result<Scopes> parse_scopes(std::string_view text);
std::vector<std::string> scope_names(Scopes scopes);
std::string to_text(Scopes scopes);

}  // namespace fortium::service
