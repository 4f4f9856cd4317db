#include "checked_line.h"

#include <nlohmann/json.hpp>

#include "fortium/base/hash.h"

namespace fortium::store {

namespace {

constexpr std::size_t kChecksumDigits = 16;

std::string checksum(std::string_view json) {
  const Sha256 hash = sha256(json);
  return to_hex(hash.data(), kChecksumDigits / 2);
}

std::string text_of(const Json& json, const char* name) {
  const auto at = json.find(name);
  return at != json.end() && at->is_string() ? at->get<std::string>() : "";
}

}  // namespace

std::string checked_line(std::string_view json) { return checksum(json) + " " + std::string(json) + "\n"; }

std::optional<Json> read_checked_line(std::string_view line) {
  if (line.size() <= kChecksumDigits + 1) return std::nullopt;
  const std::string_view json = line.substr(kChecksumDigits + 1);
  if (checksum(json) != line.substr(0, kChecksumDigits)) return std::nullopt;
  auto parsed = parse_json(json);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  return std::move(*parsed);
}

std::string to_json(const Destination& to) {
  return R"({"url":)" + json_string(to.url) + R"(,"organization":)" + json_string(to.organization) +
         R"(,"credential":)" + json_string(to.credential) + "}";
}

Destination destination_from(const Json& json) {
  if (!json.is_object()) return {};
  return {text_of(json, "url"), text_of(json, "organization"), text_of(json, "credential")};
}

}  // namespace fortium::store
