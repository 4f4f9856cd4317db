#include "fortium/metrics/identity.h"

#include "fortium/base/entropy.h"
#include "fortium/base/hash.h"

namespace fortium::metrics {

std::string derived_id(std::string_view kind, std::string_view key) {
  std::string text = "fortium-metrics\n";
  text += kind;
  text += '\n';
  text += key;
  Sha256 hash = sha256(text);
  hash[6] = static_cast<unsigned char>((hash[6] & 0x0F) | 0x80);  // version 8: made by a rule of our own
  hash[8] = static_cast<unsigned char>((hash[8] & 0x3F) | 0x80);  // the variant of RFC 9562
  std::string id = to_hex(hash.data(), 16);
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) id.insert(dash, 1, '-');
  return id;
}

bool is_api_request(std::string_view request_id) {
  constexpr std::string_view kPrefix = "req_";
  return request_id.starts_with(kPrefix) && request_id.size() > kPrefix.size();
}

std::string request_key(std::string_view request_id, std::string_view message_id) {
  if (is_api_request(request_id)) return std::string(request_id);
  return std::string(message_id) + "/" + std::string(request_id);
}

bool is_derived(std::string_view id) {
  constexpr std::size_t kVersion = 14;
  return is_uuid(id) && id[kVersion] == '8';
}

}  // namespace fortium::metrics
