// RSA keys and PKCS#1 v1.5 signatures over SHA-256, which is what RS256 is. OpenSSL stays behind this header. Any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "fortium/base/result.h"
#include "fortium/base/secret.h"

namespace fortium::service {

struct RsaPair {
  Secret private_pem;    // PKCS#8; encrypted if there is a passphrase
  std::string modulus;   // big-endian bytes
  std::string exponent;  // the same
};

// Takes a good part of a second.
Result<RsaPair> make_rsa_pair(const Secret& passphrase);
// unauthorized: the passphrase is not the one it was made with.
Result<std::string> sign_rs256(const Secret& private_pem, const Secret& passphrase, std::string_view text);
bool verify_rs256(std::string_view modulus, std::string_view exponent, std::string_view text,
                  std::string_view signature);

}  // namespace fortium::service
