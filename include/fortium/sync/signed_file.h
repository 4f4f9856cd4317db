// Files that are carried by hand between a machine that is never online and the service: batches go one way, receipts
// come back the other.
//
//   {"format":"fortium-metrics batches","version":1,"key_id":"…","organization_id":"acme","device_id":"…",…,"bytes":9}
//   <that many bytes: one batch, or one receipt, a line; gzip if "encoding" says so>
//   signature <64 hex digits>
//
// The signature is HMAC-SHA256 of all that stands before its line. Both ends can make it, and nobody on the way: its
// key is HMAC-SHA256(H, "fortium-metrics signed file"), where H is what the service keeps of an API key, the SHA-256 of
// its secret as 64 hex digits. So whoever can read the service's control.db could sign too; such a person owns it
// anyway. A file is taken whole or not at all. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"

namespace fortium::sync {

constexpr std::string_view kBatchFile = "fortium-metrics batches";
constexpr std::string_view kReceiptFile = "fortium-metrics receipts";
constexpr std::int64_t kMostBatchFileRecords = 100'000;         // more of them go into another file
constexpr std::size_t kMostSignedBytes = std::size_t{1} << 30;  // of a file

struct SignedFile {
  std::string format;  // kBatchFile, kReceiptFile
  std::string key_id;
  std::string organization_id;  // as the machine has it; may be empty
  std::string device_id;
  std::string created_at;
  std::string encoding;  // "gzip" or "identity"
  std::string payload;   // as it is in the file

  bool operator==(const SignedFile&) const = default;
};

std::string write_signed(const SignedFile& file, std::string_view key_hash);

// What the text claims to be. Nothing of it counts before is_signed_by() has said so.
struct ClaimedFile {
  SignedFile file;
  std::string signature;
  std::string_view signed_part;  // of the text
};
// invalid: it is no such file, or not a whole one.
Result<ClaimedFile> read_signed(std::string_view text, std::string_view format);
bool is_signed_by(const ClaimedFile& claimed, std::string_view key_hash);

}  // namespace fortium::sync
