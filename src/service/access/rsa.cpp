#include "rsa.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>

namespace fortium::service {

namespace {

constexpr unsigned kBits = 2048;

template <auto free>
struct Free {
  template <class T>
  void operator()(T* thing) const {
    free(thing);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;

Error failed(std::string_view what) { return {Errc::internal, "RSA: " + std::string(what) + " failed"}; }

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return {};
  const Number number(raw);
  std::string out(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

Number number_from(std::string_view text) {
  return Number(BN_bin2bn(bytes(text), static_cast<int>(text.size()), nullptr));
}

// Never asks a person at a terminal.
int give_passphrase(char* out, int room, int /*writing*/, void* passphrase) {
  const std::string& text = static_cast<const Secret*>(passphrase)->reveal();
  if (text.size() > static_cast<std::size_t>(room)) return -1;
  text.copy(out, text.size());
  return static_cast<int>(text.size());
}

Pkey public_key(std::string_view modulus, std::string_view exponent) {
  const Builder builder(OSSL_PARAM_BLD_new());
  const Number n = number_from(modulus), e = number_from(exponent);
  if (!builder || !n || !e || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return nullptr;
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  return Pkey(key);
}

}  // namespace

Result<RsaPair> make_rsa_pair(const Secret& passphrase) {
  const Pkey key(EVP_RSA_gen(kBits));
  const Bio out(BIO_new(BIO_s_mem()));
  if (!key || !out) return failed("making a key");
  const EVP_CIPHER* cipher = passphrase.empty() ? nullptr : EVP_aes_256_cbc();
  const std::string& text = passphrase.reveal();
  if (PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), cipher, text.empty() ? nullptr : text.data(),
                                    static_cast<int>(text.size()), nullptr, nullptr) != 1)
    return failed("writing a key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return RsaPair{Secret(std::string(data, static_cast<std::size_t>(size))), number_of(key.get(), OSSL_PKEY_PARAM_RSA_N),
                 number_of(key.get(), OSSL_PKEY_PARAM_RSA_E)};
}

Result<std::string> sign_rs256(const Secret& private_pem, const Secret& passphrase, std::string_view text) {
  const std::string& pem = private_pem.reveal();
  const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Secret given = passphrase;
  const Pkey key(in ? PEM_read_bio_PrivateKey(in.get(), nullptr, &give_passphrase, &given) : nullptr);
  if (!key) return Error{Errc::unauthorized, "the signing key cannot be read with this passphrase"};
  const Digest digest(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!digest || EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(digest.get(), nullptr, &size, bytes(text), text.size()) != 1)
    return failed("signing");
  std::string signature(size, '\0');
  if (EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes(text),
                     text.size()) != 1)
    return failed("signing");
  signature.resize(size);
  return signature;
}

bool verify_rs256(std::string_view modulus, std::string_view exponent, std::string_view text,
                  std::string_view signature) {
  const Pkey key = public_key(modulus, exponent);
  const Digest digest(EVP_MD_CTX_new());
  return key && digest && EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
         EVP_DigestVerify(digest.get(), bytes(signature), signature.size(), bytes(text), text.size()) == 1;
}

}  // namespace fortium::service
