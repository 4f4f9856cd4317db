// What differs between the revisions of the protocol, in one place.
#include "fortium/mcp/revision.h"

#include <doctest/doctest.h>

#include <string>

using namespace fortium::mcp;

TEST_CASE("revisions are found by their exact names") {
  for (const char* text : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"})
    CHECK(name(*find_revision(text)) == text);
  for (const char* text : {"", "2025-11-25 ", "2025-11-2", "draft"}) CHECK_FALSE(find_revision(text));
  CHECK(name(kOldest) == "2024-11-05");
  CHECK(name(kLastSession) == "2025-11-25");
  CHECK(name(kNewest) == "2026-07-28");
}

TEST_CASE("what each revision has") {
  const auto has = [](Revision revision) {
    return std::string(has_batches(revision) ? "b" : "-") + (has_annotations(revision) ? "a" : "-") +
           (has_progress_message(revision) ? "m" : "-") + (declares_completions(revision) ? "c" : "-") +
           (has_structured_content(revision) ? "s" : "-") + (has_icons(revision) ? "i" : "-") +
           (may_omit_error_id(revision) ? "o" : "-") + (has_not_found_code(revision) ? "f" : "-") +
           (is_stateless(revision) ? "1" : "-");
  };
  CHECK(has(Revision::v2024_11_05) == "b------f-");
  CHECK(has(Revision::v2025_03_26) == "bamc---f-");
  CHECK(has(Revision::v2025_06_18) == "-amcs--f-");
  CHECK(has(Revision::v2025_11_25) == "-amcsiof-");
  CHECK(has(Revision::v2026_07_28) == "-amcsio-1");
}
