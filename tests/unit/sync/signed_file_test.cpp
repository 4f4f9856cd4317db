// Files that are carried by hand: whole and as they were signed, or refused.
#include "fortium/sync/signed_file.h"

#include <doctest/doctest.h>

#include "support/dice.h"

using namespace fortium;
using namespace fortium::sync;

namespace {

const std::string kHash(64, 'a'), kOther(64, 'b');

SignedFile file_of(std::string payload) {
  return {std::string(kBatchFile),    "0123456789abcdef", "ac\"me\n",        "laptop",
          "2026-01-02T03:04:05.678Z", "identity",         std::move(payload)};
}

}  // namespace

TEST_CASE("what is written is read back, whatever bytes it holds") {
  for (const std::string& payload : {std::string(), std::string("one\ntwo\n"), std::string("\0signature \n\xFF", 13)}) {
    const std::string text = write_signed(file_of(payload), kHash);
    const auto claimed = read_signed(text, kBatchFile);
    REQUIRE(claimed.ok());
    CHECK(claimed->file == file_of(payload));
    CHECK(is_signed_by(*claimed, kHash));
    CHECK_FALSE(is_signed_by(*claimed, kOther));
    CHECK_FALSE(read_signed(text, kReceiptFile).ok());
  }
}

TEST_CASE("a file that was changed in any byte, or cut, or prolonged, is not taken") {
  test::Dice dice(3);
  const std::string text = write_signed(file_of(dice.letters(300)), kHash);
  const auto taken = [](const std::string& changed) {
    const auto claimed = read_signed(changed, kBatchFile);
    return claimed && is_signed_by(*claimed, kHash);
  };
  REQUIRE(taken(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1 << dice.below(7));
    CHECK_FALSE(taken(changed));
    CHECK_FALSE(taken(text.substr(0, i)));
  }
  CHECK_FALSE(taken(text + "\n"));
  CHECK_FALSE(taken("\n" + text));
}

TEST_CASE("what a file claims about itself is held against its size") {
  for (const char* bytes : {"-1", "1", "3", "18446744073709551615", "1e9", "\"2\"", "null"}) {
    const std::string text = R"({"format":"fortium-metrics batches","version":1,"bytes":)" + std::string(bytes) +
                             "}\nab\nsignature " + std::string(64, '0') + "\n";
    CHECK_FALSE(read_signed(text, kBatchFile).ok());
  }
  CHECK_FALSE(read_signed("", kBatchFile).ok());
  CHECK_FALSE(read_signed(std::string(10'000, '{'), kBatchFile).ok());
  CHECK(read_signed(R"({"format":"fortium-metrics batches","version":2,"bytes":0})"
                    "\n\n",
                    kBatchFile)
            .error()
            .what.find("update") != std::string::npos);
}
