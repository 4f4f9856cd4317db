// Addresses of resources: a URI with at most one variable, as a template, filled in, and found again. Private to mcp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fortium/mcp/catalog.h"

namespace fortium::mcp {

// The name between the braces; empty if there are none.
std::string_view variable_of(const Resource& resource);
// There are as many of it as there are values; it is in no list but that of templates.
bool is_template(const Resource& resource);
// With the variable's value in its place, escaped as RFC 3986 wants it.
std::string fill_in(const Resource& resource, std::string_view value);

struct Found {
  const Resource* resource = nullptr;
  std::string value;  // of its variable
};
// What stands at this address; nullopt where nothing can.
std::optional<Found> find_resource(const Catalog& catalog, std::string_view organization, std::string_view uri);

// The last folder of a file:// URI; empty if it has none that can be a name.
std::string folder_of(std::string_view uri);

}  // namespace fortium::mcp
