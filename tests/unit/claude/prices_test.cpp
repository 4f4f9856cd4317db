#include "claude/prices.h"

#include <doctest/doctest.h>

#include <fstream>

#include "support/temp_dir.h"

using namespace fortium;  // NOLINT(google-build-using-namespace)
using claude::Prices;
using claude::Usage;

TEST_CASE("each sort of token has its own price, and an hour of cache costs more than five minutes") {
  const Prices prices = *Prices::built_in();
  const Usage usage{.input = 1'000'000,
                    .output = 100'000,
                    .cache_read = 10'000'000,
                    .cache_creation = 300'000,
                    .cache_creation_1h = 100'000};
  CHECK(*prices.cost("claude-opus-5-5", usage) == doctest::Approx(4 + 2 + 2 + 1 + 0.8));
  CHECK(*prices.cost("claude-sonnet-4-5", usage) == doctest::Approx(3 + 1.5 + 3 + 0.75 + 0.6));
  CHECK(*prices.cost("claude-opus-5-5", {.web_searches = 3}) == doctest::Approx(0.03));
}

TEST_CASE("the day in a model's name does not matter; an unknown model has no price") {
  const Prices prices = *Prices::built_in();
  const Usage usage{.input = 1'000'000};
  CHECK(*prices.cost("claude-sonnet-4-5-20250929", usage) == 3);
  CHECK_FALSE(prices.cost("claude-sonnet-4-5-preview", usage));
  CHECK_FALSE(prices.cost("gpt-oss", usage));
  CHECK_FALSE(prices.cost("claude-sonnet-4-5", {.input = 1, .fast = true}));
}

TEST_CASE("a file in the data directory goes over the table") {
  const test::TempDir dir;
  const std::string path = dir.file("prices.json");
  CHECK(Prices::with_file(path).ok());  // none is fine
  std::ofstream(path) << R"({"models":[{"model":"mine","input":1,"output":2,"cache_read":0,"cache_write_5m":0,)"
                         R"("cache_write_1h":0,"date":"2026-01-01","source":"contract"}]})";
  const auto prices = Prices::with_file(path);
  REQUIRE(prices.ok());
  CHECK(*prices->cost("mine", {.input = 1'000'000}) == 1);
  CHECK(*prices->cost("claude-opus-5-5", {.input = 1'000'000}) == 4);
  std::ofstream(path) << R"({"models":[{"model":"mine","input":-1}]})";
  CHECK(Prices::with_file(path).error().what == path + ": /models/0/input: must be a number of 0 or more");
}
