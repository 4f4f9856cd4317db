// Completes arguments of prompts and variables of resource templates, from what was recorded. Private to mcp.
//
// The store is asked for one field once a second at most, however fast somebody types. Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/mcp/catalog.h"

namespace fortium::mcp {

constexpr std::size_t kMostCompleted = 100;  // values in one answer, by the specification

class Completion {
 public:
  // {"values":[…],"total":…,"hasMore":…}: values that begin with `typed` before those that hold it, each the most
  // recent first. An argument that is nobody's field has none.
  Result<Json> complete(Context& context, std::string_view argument, std::string_view typed);

 private:
  struct Known {
    SteadyTime until;
    std::vector<std::string> words;
  };
  Result<const std::vector<std::string>*> known(Context& context, std::string_view argument);

  std::map<std::string, Known, std::less<>> known_;  // by argument, of which there are few
};

}  // namespace fortium::mcp
