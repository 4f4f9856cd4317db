// The released revisions of the Model Context Protocol that begin with `initialize`, and what differs between them for
// a server. Source: modelcontextprotocol.io/specification/<revision>. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

namespace fortium::mcp {

enum class Revision { v2024_11_05, v2025_03_26, v2025_06_18, v2025_11_25 };

constexpr Revision kNewest = Revision::v2025_11_25;

constexpr std::string_view name(Revision revision) {
  switch (revision) {
    case Revision::v2024_11_05: return "2024-11-05";
    case Revision::v2025_03_26: return "2025-03-26";
    case Revision::v2025_06_18: return "2025-06-18";
    case Revision::v2025_11_25: return "2025-11-25";
  }
  return "";
}

constexpr std::optional<Revision> find_revision(std::string_view text) {
  for (const Revision revision :
       {Revision::v2024_11_05, Revision::v2025_03_26, Revision::v2025_06_18, Revision::v2025_11_25})
    if (name(revision) == text) return revision;
  return std::nullopt;
}

// JSON-RPC batches: in 2025-03-26; 2024-11-05 is silent and gets them kindly; removed afterwards.
constexpr bool has_batches(Revision revision) { return revision <= Revision::v2025_03_26; }
constexpr bool has_annotations(Revision revision) { return revision >= Revision::v2025_03_26; }
// structuredContent, outputSchema, title.
constexpr bool has_structured_content(Revision revision) { return revision >= Revision::v2025_06_18; }
// An error whose request could not be read leaves its id out instead of null.
constexpr bool may_omit_error_id(Revision revision) { return revision >= Revision::v2025_11_25; }

}  // namespace fortium::mcp
