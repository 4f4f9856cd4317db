#include "fortium/sync/signed_file.h"

#include <nlohmann/json.hpp>

#include "fortium/base/hash.h"
#include "fortium/base/json.h"

namespace fortium::sync {

namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::string_view kSignature = "signature ";
constexpr std::size_t kDigits = 64;
constexpr std::size_t kMostHeader = 4'096;  // bytes

std::string signature_of(std::string_view bytes, std::string_view key_hash) {
  const Sha256 key = hmac_sha256(key_hash, "fortium-metrics signed file");
  const Sha256 mac = hmac_sha256({reinterpret_cast<const char*>(key.data()), key.size()}, bytes);
  return to_hex(mac.data(), mac.size());
}

std::string text_of(const Json& header, const char* name) {
  const auto found = header.find(name);
  return found != header.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string write_signed(const SignedFile& file, std::string_view key_hash) {
  std::string text = dump_json({{"format", file.format},
                                {"version", kVersion},
                                {"key_id", file.key_id},
                                {"organization_id", file.organization_id},
                                {"device_id", file.device_id},
                                {"created_at", file.created_at},
                                {"encoding", file.encoding},
                                {"bytes", file.payload.size()}});
  text += '\n';
  text += file.payload;
  text += '\n';
  const std::string signature = signature_of(text, key_hash);
  text += kSignature;
  return text + signature + "\n";
}

Result<ClaimedFile> read_signed(std::string_view text, std::string_view format) {
  const auto line = text.substr(0, kMostHeader).find('\n');
  const auto header = line != text.npos ? parse_json(text.substr(0, line)) : Result<Json>(Error{});
  if (!header || !header->is_object() || text_of(*header, "format") != format)
    return Error{Errc::invalid, "the file is none of " + std::string(format)};
  const auto version = header->find("version");
  if (version == header->end() || *version != kVersion)
    return Error{Errc::invalid, "the file is of a version that this program does not know: update it"};
  const auto bytes = header->find("bytes");
  const std::size_t begin = line + 1;
  const Error not_whole{Errc::invalid, "the file is not whole: it was cut off, or changed on the way"};
  if (bytes == header->end() || !bytes->is_number_unsigned() || bytes->get<std::uint64_t>() > text.size())
    return not_whole;
  const std::size_t end = begin + bytes->get<std::size_t>() + 1;  // with its line end
  if (text.size() != end + kSignature.size() + kDigits + 1 || text[end - 1] != '\n' || text.back() != '\n' ||
      text.substr(end, kSignature.size()) != kSignature)
    return not_whole;
  return ClaimedFile{{text_of(*header, "format"), text_of(*header, "key_id"), text_of(*header, "organization_id"),
                      text_of(*header, "device_id"), text_of(*header, "created_at"), text_of(*header, "encoding"),
                      std::string(text.substr(begin, end - 1 - begin))},
                     std::string(text.substr(end + kSignature.size(), kDigits)),
                     text.substr(0, end)};
}

bool is_signed_by(const ClaimedFile& claimed, std::string_view key_hash) {
  return equal_constant_time(claimed.signature, signature_of(claimed.signed_part, key_hash));
}

}  // namespace fortium::sync
