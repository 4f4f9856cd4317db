// What a table of fields must be; the compiler asks it of every kind.
#include "fortium/schema/field.h"

#include <doctest/doctest.h>

using namespace fortium::schema;

namespace {

constexpr Alias kB[] = {{"b"}};
constexpr Alias kA[] = {{"a"}};
constexpr Alias kTwice[] = {{"c"}, {"B"}};

}  // namespace

TEST_CASE("names are snake_case") {
  for (const char* good : {"a", "a_b", "a1", "a_", "execution_time_ms"}) CHECK(is_snake_case(good));
  for (const char* bad : {"", "A", "aB", "1a", "_a", "a-b", "a b", "ä"}) CHECK_FALSE(is_snake_case(bad));
}

TEST_CASE("a shape has unique names, synonyms included, and a sentence for each") {
  static constexpr Field kGood[] = {{.name = "a", .type = Boolean{}, .doc = "A.", .aliases = kB}};
  static_assert(well_formed(kGood));
  static constexpr Field kDoubled[] = {{.name = "a", .type = Boolean{}, .doc = "A."},
                                       {.name = "a", .type = Boolean{}, .doc = "A."}};
  static_assert(!well_formed(kDoubled));
  static constexpr Field kTaken[] = {{.name = "a", .type = Boolean{}, .doc = "A.", .aliases = kB},
                                     {.name = "b", .type = Boolean{}, .doc = "B."}};
  static_assert(!well_formed(kTaken));
  static constexpr Field kShared[] = {{.name = "x", .type = Boolean{}, .doc = "A.", .aliases = kB},
                                      {.name = "y", .type = Boolean{}, .doc = "B.", .aliases = kB}};
  static_assert(!well_formed(kShared));
  static constexpr Field kItself[] = {{.name = "a", .type = Boolean{}, .doc = "A.", .aliases = kA}};
  static_assert(!well_formed(kItself));
  static constexpr Field kLoud[] = {{.name = "a", .type = Boolean{}, .doc = "A.", .aliases = kTwice}};
  static_assert(!well_formed(kLoud));
  static constexpr Field kSilent[] = {{.name = "a", .type = Boolean{}, .doc = "no full stop"}};
  static_assert(!well_formed(kSilent));
  CHECK(well_formed(kGood));
}
