#include "passwords.h"

#include <argon2.h>

#include <array>
#include <span>

namespace fortium::service {

namespace {

// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
constexpr std::uint32_t kPasses = 2;
constexpr std::uint32_t kMemory = 19 * 1024;  // KiB
constexpr std::uint32_t kLanes = 1;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;

// Of a password that nobody knows, with the cost of the others.
constexpr auto kNobody =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

}  // namespace

Result<void> check_password(const Secret& password) {
  const std::size_t size = password.reveal().size();
  if (size < kMinPasswordBytes || size > kMaxPasswordBytes)
    return Error{Errc::invalid, "a password must have " + std::to_string(kMinPasswordBytes) + " to " +
                                    std::to_string(kMaxPasswordBytes) + " bytes, this one has " + std::to_string(size)};
  return {};
}

// One of the few who may use that much memory.
class Passwords::Turn {
 public:
  explicit Turn(Guarded<int>& hashing) : hashing_(hashing) {
    got_ = hashing_.with([](int& count) { return count < kMostHashing && ++count > 0; });
  }
  ~Turn() {
    if (got_) hashing_.with([](int& count) { --count; });
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  Result<void> granted() const {
    if (got_) return {};
    return Error{Errc::busy, "too many passwords are being checked"};
  }

 private:
  Guarded<int>& hashing_;
  bool got_ = false;
};

Result<std::string> Passwords::hash(const Secret& password, Entropy& entropy) {
  FM_TRY_(check_password(password));
  const Turn turn(hashing_);
  FM_TRY_(turn.granted());
  std::array<std::byte, kSaltBytes> salt{};
  entropy.fill(salt);
  std::string encoded(argon2_encodedlen(kPasses, kMemory, kLanes, kSaltBytes, kHashBytes, Argon2_id), '\0');
  const std::string& text = password.reveal();
  const int code = argon2id_hash_encoded(kPasses, kMemory, kLanes, text.data(), text.size(), salt.data(), salt.size(),
                                         kHashBytes, encoded.data(), encoded.size());
  if (code != ARGON2_OK) return Error{Errc::unavailable, std::string("argon2: ") + argon2_error_message(code)};
  encoded.resize(encoded.find('\0'));
  return encoded;
}

Result<bool> Passwords::matches(const Secret& password, const std::string& hash) {
  const Turn turn(hashing_);
  FM_TRY_(turn.granted());
  const std::string& text = password.reveal();
  const int code = argon2id_verify(hash.empty() ? kNobody : hash.c_str(), text.data(), text.size());
  if (code == ARGON2_OK) return !hash.empty();
  if (code == ARGON2_VERIFY_MISMATCH) return false;
  return Error{Errc::unavailable, std::string("argon2: ") + argon2_error_message(code)};
}

}  // namespace fortium::service
