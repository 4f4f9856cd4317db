// Passwords of people: kept as Argon2id hashes in their usual text form, which holds salt and cost.
//
// A hash takes some 20 MiB and tens of milliseconds: at most kMostHashing at a time in a process, the rest is refused
// as busy at once. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "fortium/base/entropy.h"
#include "fortium/base/guarded.h"
#include "fortium/base/secret.h"

namespace fortium::service {

constexpr std::size_t kMinPasswordBytes = 12;
constexpr std::size_t kMaxPasswordBytes = 1024;
constexpr int kMostHashing = 2;

// invalid: too short or too long.
Result<void> check_password(const Secret& password);

class Passwords {
 public:
  Result<std::string> hash(const Secret& password, Entropy& entropy);
  // `hash`: empty if there is none to compare with, which takes as long and is never right.
  Result<bool> matches(const Secret& password, const std::string& hash);

 private:
  class Turn;
  Guarded<int> hashing_;
};

}  // namespace fortium::service
