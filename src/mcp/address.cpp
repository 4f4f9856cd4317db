#include "address.h"

#include <nlohmann/json.hpp>

namespace fortium::mcp {

namespace {

constexpr std::string_view kOrganization = "organization_id";
constexpr std::size_t kMostValueBytes = 1'020;  // 255 characters of a name

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// One segment of a path, without its escapes; nullopt for what no segment can be, or is no text.
std::optional<std::string> decode(std::string_view segment) {
  std::string out;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (is_unreserved(segment[i])) {
      out += segment[i];
      continue;
    }
    if (segment[i] != '%' || i + 2 >= segment.size()) return std::nullopt;
    const int high = hex_digit(segment[i + 1]), low = hex_digit(segment[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (out.empty() || out.size() > kMostValueBytes || !parse_json(json_string(out))) return std::nullopt;
  for (const char c : out)
    if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
  return out;
}

}  // namespace

std::string_view variable_of(const Resource& resource) {
  const std::string_view uri = resource.uri;
  const auto open = uri.find('{'), close = uri.find('}');
  return open == uri.npos || close == uri.npos ? std::string_view() : uri.substr(open + 1, close - open - 1);
}

bool is_template(const Resource& resource) {
  const std::string_view variable = variable_of(resource);
  return !variable.empty() && variable != kOrganization;
}

std::string fill_in(const Resource& resource, std::string_view value) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto open = resource.uri.find('{');
  if (open == resource.uri.npos) return resource.uri;
  std::string uri = resource.uri.substr(0, open);
  for (const char c : value) {
    if (is_unreserved(c)) {
      uri += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    uri += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return uri + resource.uri.substr(resource.uri.find('}') + 1);
}

std::string folder_of(std::string_view uri) {
  constexpr std::string_view kFile = "file://";
  constexpr std::string_view kExtra = "!$&'()*+,;=:@";  // may stand in a path as they are
  if (!uri.starts_with(kFile)) return "";
  uri.remove_prefix(kFile.size());
  while (uri.ends_with('/')) uri.remove_suffix(1);
  const auto slash = uri.rfind('/');
  if (slash == uri.npos) return "";
  std::string segment;
  for (const char c : uri.substr(slash + 1)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && kExtra.find(c) == kExtra.npos)
      segment += c;
    else
      segment += {'%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
  }
  return decode(segment).value_or("").substr(0, kMostValueBytes / 4);
}

std::optional<Found> find_resource(const Catalog& catalog, std::string_view organization, std::string_view uri) {
  for (const Resource& resource : catalog.resources) {
    if (!is_template(resource)) {
      if (fill_in(resource, organization) == uri) return Found{&resource, std::string(organization)};
      continue;
    }
    const std::string_view stem = std::string_view(resource.uri).substr(0, resource.uri.find('{'));
    if (!uri.starts_with(stem)) continue;
    if (auto value = decode(uri.substr(stem.size()))) return Found{&resource, std::move(*value)};
  }
  return std::nullopt;
}

}  // namespace fortium::mcp
