// The form of an API key: fm_live_<id>_<secret><checksum>.
//
// The prefix is for scanners that look for leaked secrets, the id (16 hex digits) finds the key's row, the secret is
// 256 random bits (64 hex digits), and the CRC-32 of all before it (8) tells a typing error from a wrong key. What a
// service keeps is the SHA-256 of the secret: no slow hash is needed for random bits. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "fortium/base/entropy.h"
#include "fortium/base/result.h"
#include "fortium/base/secret.h"

namespace fortium {

struct NewKey {
  std::string id;
  Secret text;       // shown once
  std::string hash;  // kept: SHA-256 of the secret's digits, as 64 hex digits
};
NewKey make_key(Entropy& entropy);

struct KeyParts {
  std::string id;
  std::string hash;  // of the secret that was given
};
// invalid: the text has not the form of a key, or a typing error in it.
Result<KeyParts> read_key(std::string_view text);

}  // namespace fortium
