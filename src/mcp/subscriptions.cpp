#include "subscriptions.h"

#include <nlohmann/json.hpp>

namespace fortium::mcp {

namespace {

std::string meta(const rpc::IdText& id) { return R"("_meta":{"io.modelcontextprotocol/subscriptionId":)" + id; }

std::string updated(const std::string& uri, const std::string& more) {
  return rpc::notification_line("notifications/resources/updated", "{" + more + R"("uri":)" + json_string(uri) + "}");
}

}  // namespace

std::size_t Subscriptions::addresses() const {
  std::size_t count = session_.size();
  for (const Listen& listen : listens_) count += listen.uris.size();
  return count;
}

bool Subscriptions::subscribe(const std::string& uri) {
  if (addresses() >= kMostSubscribed && !session_.contains(uri)) return false;
  session_.insert(uri);
  return true;
}

bool Subscriptions::listen(const rpc::IdText& id, std::vector<std::string> uris) {
  cancel(id);
  if (listens_.size() >= kMostListens || addresses() + uris.size() > kMostSubscribed) return false;
  listens_.push_back({id, std::move(uris)});
  return true;
}

std::string Subscriptions::acknowledgement(const rpc::IdText& id, const std::vector<std::string>& uris) {
  const Json honored = uris.empty() ? Json::object() : Json{{"resourceSubscriptions", uris}};
  return rpc::notification_line("notifications/subscriptions/acknowledged",
                                "{" + meta(id) + R"(},"notifications":)" + dump_json(honored) + "}");
}

void Subscriptions::cancel(const rpc::IdText& id) {
  std::erase_if(listens_, [&id](const Listen& listen) { return listen.id == id; });
}

std::vector<std::string> Subscriptions::updates(const std::function<bool(const std::string& uri)>& changed) const {
  std::vector<std::string> lines;
  for (const std::string& uri : session_)
    if (changed(uri)) lines.push_back(updated(uri, ""));
  for (const Listen& listen : listens_)
    for (const std::string& uri : listen.uris)
      if (changed(uri)) lines.push_back(updated(uri, meta(listen.id) + "},"));
  return lines;
}

std::vector<std::string> Subscriptions::close(std::string_view server_info_meta, bool alone) {
  std::vector<std::string> lines;
  for (const Listen& listen : listens_) {
    lines.push_back(rpc::result_line(
        listen.id, "{" + meta(listen.id) + "," + std::string(server_info_meta) + R"(},"resultType":"complete"})"));
    if (alone) continue;
    lines.push_back(rpc::notification_line("notifications/cancelled",
                                           R"({"requestId":)" + listen.id + R"(,"reason":"the server ends"})"));
  }
  listens_.clear();
  return lines;
}

}  // namespace fortium::mcp
