// SHA-256 and the ledger digest, against values computed by another language:
//   format(sum(int.from_bytes(sha256(i.encode()).digest()[:16], 'big') for i in ids) % 2**128, '032x')
#include "fortium/base/hash.h"

#include <doctest/doctest.h>

#include <string>

#include "support/dice.h"

using namespace fortium;

namespace {

LedgerDigest digest_of(std::initializer_list<const char*> ids) {
  LedgerDigest digest;
  for (const char* id : ids) digest.add(id);
  return digest;
}

}  // namespace

TEST_CASE("SHA-256") {
  const Sha256 hash = sha256("abc");  // FIPS 180-4
  CHECK(to_hex(hash.data(), hash.size()) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("the digest of known ids") {
  CHECK(LedgerDigest().hex() == "00000000000000000000000000000000");
  CHECK(digest_of({"a"}).hex() == "ca978112ca1bbdcafac231b39a23dc4d");
  CHECK(digest_of({"a", "b"}).hex() == "08bb6928ca5517152e4b8118ff058d81");
  CHECK(digest_of({"a", "a"}).hex() == "952f022594377b95f58463673447b89a");
  LedgerDigest many;
  for (int i = 0; i < 1000; ++i) many.add("r" + std::to_string(i));
  CHECK(many.hex() == "6598b3e1aca3cdeec756e632a2127253");
}

TEST_CASE("order does not matter, and what was added can be taken away") {
  CHECK(digest_of({"a", "b", "c"}) == digest_of({"c", "a", "b"}));
  LedgerDigest all = digest_of({"a", "b", "c"});
  all.remove(digest_of({"b"}));
  CHECK(all == digest_of({"a", "c"}));
  all.add(digest_of({"b"}));
  CHECK(all == digest_of({"a", "b", "c"}));
  all.remove(all);
  CHECK(all == LedgerDigest());
}

TEST_CASE("adding and taking away carries over all 128 bits") {
  test::Dice dice(5);
  for (int i = 0; i < 500; ++i) {
    LedgerDigest a, b;
    for (std::size_t n = dice.below(9); n > 0; --n) a.add(dice.letters(5));
    for (std::size_t n = dice.below(9); n > 0; --n) b.add(dice.letters(5));
    LedgerDigest sum = a;
    sum.add(b);
    LedgerDigest other = b;
    other.add(a);
    CHECK(sum == other);
    sum.remove(b);
    CHECK(sum == a);
    CHECK(LedgerDigest::from_hex(a.hex()) == a);
  }
  LedgerDigest most = LedgerDigest::from_hex("ffffffffffffffffffffffffffffffff");
  most.add(LedgerDigest::from_hex("00000000000000000000000000000001"));
  CHECK(most == LedgerDigest());
  most.remove(LedgerDigest::from_hex("00000000000000000000000000000001"));
  CHECK(most.hex() == "ffffffffffffffffffffffffffffffff");
  LedgerDigest carry = LedgerDigest::from_hex("0000000000000000ffffffffffffffff");
  carry.add(LedgerDigest::from_hex("00000000000000000000000000000001"));
  CHECK(carry.hex() == "00000000000000010000000000000000");
}

TEST_CASE("what is no digest reads as nothing") {
  for (const char* text : {"", "0", "ca978112ca1bbdcafac231b39a23dc4", "ca978112ca1bbdcafac231b39a23dc4dd",
                           "ca978112ca1bbdcafac231b39a23dc4g", "xa978112ca1bbdcafac231b39a23dc4d",
                           "-a978112ca1bbdcafac231b39a23dc4d", "+a978112ca1bbdcafac231b39a23dc4d"})
    CHECK(LedgerDigest::from_hex(text) == LedgerDigest());
}

TEST_CASE("texts are compared to the last byte") {
  CHECK(equal_constant_time("", ""));
  CHECK(equal_constant_time("abc", "abc"));
  CHECK_FALSE(equal_constant_time("abc", "abd"));
  CHECK_FALSE(equal_constant_time("xbc", "abc"));
  CHECK_FALSE(equal_constant_time("abc", "abcd"));
  CHECK_FALSE(equal_constant_time(std::string("a\0b", 3), std::string("a\0c", 3)));
}

TEST_CASE("HMAC gives the values of RFC 4231") {
  const auto hex = [](std::string_view key, std::string_view text) {
    const Sha256 mac = hmac_sha256(key, text);
    return to_hex(mac.data(), mac.size());
  };
  CHECK(hex(std::string(20, '\x0b'), "Hi There") == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex("Jefe", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First") ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}
