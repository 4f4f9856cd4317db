// The four lists of the catalog, as JSON text for each revision, in pages. Made when first asked for, and kept: they do
// not depend on who asks or what was asked before. Private to mcp.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/mcp/catalog.h"
#include "fortium/mcp/revision.h"

namespace fortium::mcp {

// Real clients read the first page only, so all that there is stands on it; more rows than this are for machines.
constexpr std::size_t kPageRows = 100;

enum class List { tools, resources, templates, prompts };

class Lists {
 public:
  Lists(const Catalog& catalog, std::string_view organization) : catalog_(catalog), organization_(organization) {}

  // Members of a result: `"tools":[…]`, and `"nextCursor":"…"` where more follows. nullptr: no such cursor was given
  // out.
  const std::string* page(List list, Revision revision, std::string_view cursor);

 private:
  std::vector<std::string> rows(List list, Revision revision) const;

  const Catalog& catalog_;
  const std::string organization_;
  // By list and revision; a list that was not asked for has no pages.
  std::array<std::array<std::vector<std::string>, std::size(kRevisions)>, 4> pages_;
};

}  // namespace fortium::mcp
