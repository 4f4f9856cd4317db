#include "session_state.h"

#include <nlohmann/json.hpp>

#include "fortium/base/json.h"

namespace fortium::service {

std::string to_text(const mcp::SessionState& state) {
  return dump_json({{"revision", mcp::name(state.revision)},
                    {"log", static_cast<int>(state.log_least)},
                    {"subscribed", state.subscribed},
                    {"counts", state.counts}});
}

std::optional<mcp::SessionState> read_state(std::string_view text) {
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return std::nullopt;
  try {
    const auto revision = mcp::find_revision(json->at("revision").get<std::string>());
    const int log = json->at("log").get<int>();
    if (!revision || mcp::is_stateless(*revision) || log < 0 || log > static_cast<int>(mcp::Severity::emergency))
      return std::nullopt;
    return mcp::SessionState{*revision, static_cast<mcp::Severity>(log),
                             json->at("subscribed").get<std::vector<std::string>>(),
                             json->at("counts").get<std::vector<std::int64_t>>()};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace fortium::service
