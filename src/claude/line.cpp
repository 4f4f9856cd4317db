#include "line.h"

#include <dlfcn.h>

#include <algorithm>

#include "fortium/base/module.h"
#include "parser_abi.h"

namespace fortium::claude {

namespace {

constexpr std::string_view kCounted[] = {"assistant", "user", "cost-state"};
// Where the client writes the type of an attachment: behind two members of known length.
constexpr std::size_t kHead = 192;

// The string that follows `"type":` at `at`.
std::string_view type_at(std::string_view text, std::size_t at) {
  const auto end = text.find('"', at);
  return end == text.npos ? std::string_view() : text.substr(at, end - at);
}

}  // namespace

bool skippable(std::string_view text) {
  constexpr std::string_view kFirst = "{\"type\":\"", kAttachment = "\"isSidechain\":false,\"type\":\"attachment\"";
  if (text.starts_with(kFirst)) {
    const std::string_view type = type_at(text, kFirst.size());
    return !type.empty() && std::ranges::find(kCounted, type) == std::end(kCounted);
  }
  constexpr std::string_view kParent = "{\"parentUuid\":";
  return text.starts_with(kParent) && text.substr(0, kHead).find(kAttachment) != text.npos;
}

Result<std::unique_ptr<LineParser>> make_line_parser() {
  FM_TRY(void* module, load_module("transcript", "the transcript module"));
  const auto make = reinterpret_cast<decltype(&fortium_make_line_parser)>(dlsym(module, "fortium_make_line_parser"));
  if (make == nullptr) return Error{Errc::internal, "the transcript module has no parser in it"};
  std::unique_ptr<LineParser> parser(make());
  if (parser == nullptr) return Error{Errc::internal, "no memory for a parser"};
  return parser;
}

}  // namespace fortium::claude
