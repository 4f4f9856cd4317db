#include "keys.h"

#include <algorithm>
#include <array>

namespace fortium::service {

namespace {

struct Named {
  std::string_view name;
  Scopes scope;
};
constexpr std::array<Named, 4> kScopes = {
    {{"ingest", kIngest}, {"read", kRead}, {"admin", kAdmin}, {"super_admin", kSuper}}};

}  // namespace

Result<Scopes> parse_scopes(std::string_view text) {
  Scopes scopes = 0;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    const auto known = std::ranges::find(kScopes, word, &Named::name);
    if (known == kScopes.end()) return Error{Errc::invalid, "a scope must be one of ingest, read, admin, super_admin"};
    scopes |= known->scope;
    if (comma == text.npos) return scopes;
    text.remove_prefix(comma + 1);
  }
}

std::vector<std::string> scope_names(Scopes scopes) {
  std::vector<std::string> names;
  for (const Named& known : kScopes)
    if ((scopes & known.scope) != 0) names.emplace_back(known.name);
  return names;
}

std::string to_text(Scopes scopes) {
  std::string text;
  for (const std::string& name : scope_names(scopes)) text += (text.empty() ? "" : ",") + name;
  return text;
}

}  // namespace fortium::service
