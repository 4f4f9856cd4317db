#include "service/access/keys.h"

#include <doctest/doctest.h>

#include "support/fakes.h"

namespace fortium::service {

TEST_CASE("a key names its id and hides its secret") {
  SystemEntropy entropy;
  const NewKey key = make_key(entropy);
  const std::string& text = key.text.reveal();
  CHECK(text.starts_with("fm_live_" + key.id + "_"));
  CHECK(text.size() == 8 + 16 + 1 + 64 + 8);
  const auto parts = read_key(text);
  REQUIRE(parts.ok());
  CHECK(parts->id == key.id);
  CHECK(parts->hash == key.hash);
  CHECK(text.find(key.hash) == text.npos);
}

TEST_CASE("two keys have nothing in common") {
  SystemEntropy entropy;
  const NewKey a = make_key(entropy);
  const NewKey b = make_key(entropy);
  CHECK(a.id != b.id);
  CHECK(a.hash != b.hash);
}

TEST_CASE("every typing error is told from a wrong key") {
  SystemEntropy entropy;
  const std::string text = make_key(entropy).text.reveal();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string wrong = text;
    wrong[i] = wrong[i] == 'a' ? 'b' : 'a';
    CHECK_FALSE(read_key(wrong).ok());
  }
  CHECK_FALSE(read_key("").ok());
  CHECK_FALSE(read_key(text + "0").ok());
  CHECK_FALSE(read_key(text.substr(1)).ok());
  std::string upper = text;
  for (char& c : upper)
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  CHECK_FALSE(read_key(upper).ok());
}

TEST_CASE("scopes are words with commas") {
  CHECK(*parse_scopes("ingest") == kIngest);
  CHECK(*parse_scopes("admin,read,ingest") == (kIngest | kRead | kAdmin));
  CHECK(to_text(kAdmin | kIngest) == "ingest,admin");
  CHECK_FALSE(parse_scopes("").ok());
  CHECK_FALSE(parse_scopes("ingest,").ok());
  CHECK_FALSE(parse_scopes("ingest, read").ok());
  CHECK_FALSE(parse_scopes("root").ok());
}

}  // namespace fortium::service
