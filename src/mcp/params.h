// Reading what was given with a request. Private to mcp.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "fortium/base/json.h"

namespace fortium::mcp {

// A member of an object; nullptr if there is none.
inline const Json* member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(name);
  return at != object.end() ? &*at : nullptr;
}

// A member that is text; empty if there is none.
inline std::string text_of(const Json& object, const char* name) {
  const Json* const at = member(object, name);
  return at != nullptr && at->is_string() ? at->get<std::string>() : std::string();
}

// A member that is null is absent, in arguments and in the objects that they name.
inline void drop_nulls(Json& value, int levels = 2) {
  if (!value.is_object() || levels == 0) return;
  for (auto at = value.begin(); at != value.end();) {
    if (at->is_null()) {
      at = value.erase(at);
    } else {
      drop_nulls(*at, levels - 1);
      ++at;
    }
  }
}

}  // namespace fortium::mcp
