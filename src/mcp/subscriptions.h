// Who wants to hear when a resource changes: the session, by resources/subscribe, and any number of requests that stay
// open, by subscriptions/listen. Bounded: a client cannot make us remember without end. Private to mcp.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/json.h"
#include "fortium/rpc/message.h"

namespace fortium::mcp {

constexpr std::size_t kMostSubscribed = 1'000;  // addresses, of all together
constexpr std::size_t kMostListens = 100;       // requests open at a time

class Subscriptions {
 public:
  bool any() const { return addresses() > 0; }

  // False: there are too many.
  bool subscribe(const std::string& uri);
  void unsubscribe(const std::string& uri) { session_.erase(uri); }
  std::vector<std::string> of_session() const { return {session_.begin(), session_.end()}; }
  void replace(const std::vector<std::string>& uris) { session_ = {uris.begin(), uris.end()}; }

  // A request that stays open. The same id again replaces the older one. False: there are too many.
  bool listen(const rpc::IdText& id, std::vector<std::string> uris);
  // The line that says what it will hear.
  static std::string acknowledgement(const rpc::IdText& id, const std::vector<std::string>& uris);
  void cancel(const rpc::IdText& id);

  // A line for each that subscribed to a resource that changed.
  std::vector<std::string> updates(const std::function<bool(const std::string& uri)>& changed) const;
  // Ends every open request, in the words of the specification: its result and, unless that is all that its connection
  // was for, its cancellation.
  std::vector<std::string> close(std::string_view server_info_meta, bool alone);

 private:
  struct Listen {
    rpc::IdText id;
    std::vector<std::string> uris;
  };
  std::size_t addresses() const;

  std::set<std::string> session_;
  std::vector<Listen> listens_;
};

}  // namespace fortium::mcp
