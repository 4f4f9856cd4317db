// How organizations, keys and people look as JSON: at the command line and over HTTP alike. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "fortium/base/json.h"
#include "people.h"
#include "quotas.h"
#include "service/store/control.h"

namespace fortium::service {

Json time_json(const std::optional<WallTime>& time);
std::string_view state_of(const Key& key, WallTime now);

Json to_json(const Tenant& tenant);
Json to_json(const Holder& holder, WallTime now);
// With the key's text: shown once.
Json to_json(const Issued& issued, std::string_view tenant_name, WallTime now);
Json to_json(const Person& person);

}  // namespace fortium::service
