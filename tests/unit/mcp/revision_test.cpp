// What differs between the revisions of the protocol, in one place.
#include "fortium/mcp/revision.h"

#include <doctest/doctest.h>

#include <string>

using namespace fortium::mcp;

TEST_CASE("revisions are found by their exact names") {
  for (const char* text : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"})
    CHECK(name(*find_revision(text)) == text);
  for (const char* text : {"", "2026-07-28", "2025-11-25 ", "2025-11-2", "draft"}) CHECK_FALSE(find_revision(text));
  CHECK(name(kNewest) == "2025-11-25");
}

TEST_CASE("what each revision has") {
  const auto has = [](Revision revision) {
    return std::string(has_batches(revision) ? "b" : "-") + (has_annotations(revision) ? "a" : "-") +
           (has_structured_content(revision) ? "s" : "-") + (may_omit_error_id(revision) ? "o" : "-");
  };
  CHECK(has(Revision::v2024_11_05) == "b---");
  CHECK(has(Revision::v2025_03_26) == "ba--");
  CHECK(has(Revision::v2025_06_18) == "-as-");
  CHECK(has(Revision::v2025_11_25) == "-aso");
}
