// What the end points of the model context protocol share. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "fortium/base/guarded.h"
#include "service/http/origins.h"
#include "service/store/mcp_sessions.h"

namespace fortium::service {

class Mcp {
 public:
  // They must outlive it.
  Mcp(McpSessions& sessions, const Origins& origins) : sessions_(sessions), origins_(origins) {}

  McpSessions& sessions() { return sessions_; }
  const Origins& origins() const { return origins_; }

  // A stream of an organization: counted as long as it lives; nullptr where there are too many.
  class Place {
   public:
    Place(Mcp& mcp, std::string tenant) : mcp_(mcp), tenant_(std::move(tenant)) {}
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    Mcp& mcp_;
    const std::string tenant_;
  };
  std::unique_ptr<Place> place(const std::string& tenant);

  // A request of a session while it is worked on, here: what is posted to the session meanwhile may end it.
  class Work {
   public:
    Work(Mcp& mcp, std::string session);
    ~Work();
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    // The messages that came since this was asked last; they stay until it was asked twice more.
    std::span<const std::string> letters();

   private:
    friend class Mcp;
    Mcp& mcp_;
    const std::string session_;
    std::vector<std::string> came_;  // guarded by works_
    std::vector<std::string> read_, before_;
  };
  // To all that is at work for a session.
  void tell_work(const std::string& session, const std::string& message);

  // A session is heard over one stream at a time, here: the newest, as an older one may be half dead.
  std::uint64_t take_over(const std::string& session);
  bool is_newest(const std::string& session, std::uint64_t number);
  void let_go(const std::string& session, std::uint64_t number);

 private:
  McpSessions& sessions_;
  const Origins& origins_;
  Guarded<std::unordered_map<std::string, std::size_t>> streams_;  // by organization
  Guarded<std::unordered_map<std::string, std::uint64_t>> newest_;
  std::uint64_t number_ = 0;  // guarded by newest_
  Guarded<std::unordered_multimap<std::string, Work*>> works_;
};

}  // namespace fortium::service
