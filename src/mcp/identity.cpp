#include "identity.h"

#include <nlohmann/json.hpp>

namespace fortium::mcp {

namespace {

constexpr std::string_view kName = "fortium-metrics-server";
constexpr std::string_view kTitle = "Fortium Metrics";
constexpr std::string_view kDescription =
    "Records how Claude Code is used, on this machine, and answers questions about it.";
// Four bars of 32 by 32 points. Within the message, so that nobody has to fetch it.
constexpr std::string_view kIcon =
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQMAAABJtOi3AAAABlBMVEUAAAAOfIYoqIQqAAAAAXRSTlMAQObYZgAAABpJREFUeNpj"
    "YMAD/hBF2GMj6pAJ+f0kEKgAAIB0JxBxy+DzAAAAAElFTkSuQmCC";

}  // namespace

Json describe_server(Revision revision, std::string_view version) {
  Json info{{"name", kName}, {"version", version}};
  if (has_structured_content(revision)) info["title"] = kTitle;
  if (has_icons(revision)) {
    info["description"] = kDescription;
    info["icons"] = Json::array({{{"src", kIcon}, {"mimeType", "image/png"}, {"sizes", {"32x32"}}}});
  }
  return info;
}

std::string server_info_meta(std::string_view version) {
  return R"("io.modelcontextprotocol/serverInfo":)" + dump_json({{"name", kName}, {"version", version}});
}

Json capabilities(Revision revision) {
  const Json plain = Json::object();
  Json all{{"tools", plain}, {"resources", {{"subscribe", true}}}, {"prompts", plain}, {"logging", plain}};
  if (declares_completions(revision)) all["completions"] = plain;
  return all;
}

}  // namespace fortium::mcp
