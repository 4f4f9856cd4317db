// The released revisions of the Model Context Protocol, and what differs between them for a server. Source:
// modelcontextprotocol.io/specification/<revision>. Pure; any thread.
//
// There are two eras. Up to 2025-11-25 a connection begins with `initialize`, which agrees on one revision for all of
// it. From 2026-07-28 on nothing is agreed on: each request names its revision.
#pragma once

#include <optional>
#include <string_view>

namespace fortium::mcp {

enum class Revision { v2024_11_05, v2025_03_26, v2025_06_18, v2025_11_25, v2026_07_28 };

constexpr Revision kRevisions[] = {Revision::v2024_11_05, Revision::v2025_03_26, Revision::v2025_06_18,
                                   Revision::v2025_11_25, Revision::v2026_07_28};
constexpr Revision kOldest = Revision::v2024_11_05;
constexpr Revision kLastSession = Revision::v2025_11_25;  // the newest that begins with `initialize`
constexpr Revision kNewest = Revision::v2026_07_28;

constexpr std::string_view name(Revision revision) {
  switch (revision) {
    case Revision::v2024_11_05: return "2024-11-05";
    case Revision::v2025_03_26: return "2025-03-26";
    case Revision::v2025_06_18: return "2025-06-18";
    case Revision::v2025_11_25: return "2025-11-25";
    case Revision::v2026_07_28: return "2026-07-28";
  }
  return "";
}

constexpr std::optional<Revision> find_revision(std::string_view text) {
  for (const Revision revision : kRevisions)
    if (name(revision) == text) return revision;
  return std::nullopt;
}

// Every request stands alone: no `initialize`, results say their type, lists and what is read say how long they keep.
constexpr bool is_stateless(Revision revision) { return revision >= Revision::v2026_07_28; }
// JSON-RPC batches: in 2025-03-26; 2024-11-05 is silent and gets them kindly; removed afterwards.
constexpr bool has_batches(Revision revision) { return revision <= Revision::v2025_03_26; }
// Annotations of tools, a message beside progress, and a capability for completion (which itself is older).
constexpr bool has_annotations(Revision revision) { return revision >= Revision::v2025_03_26; }
constexpr bool has_progress_message(Revision revision) { return revision >= Revision::v2025_03_26; }
constexpr bool declares_completions(Revision revision) { return revision >= Revision::v2025_03_26; }
// structuredContent, outputSchema, title.
constexpr bool has_structured_content(Revision revision) { return revision >= Revision::v2025_06_18; }
// Description and icons of the server.
constexpr bool has_icons(Revision revision) { return revision >= Revision::v2025_11_25; }
// An error whose request could not be read leaves its id out instead of null.
constexpr bool may_omit_error_id(Revision revision) { return revision >= Revision::v2025_11_25; }
// A resource that is not there has an error code of its own; later it is an invalid parameter like others.
constexpr bool has_not_found_code(Revision revision) { return revision <= Revision::v2025_11_25; }

}  // namespace fortium::mcp
