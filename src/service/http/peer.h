// A connection of whatever kind, and what all connections of one server share.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "addresses.h"
#include "edge_counts.h"
#include "fair_queue.h"
#include "fortium/base/guarded.h"
#include "http.h"
#include "http_server.h"

namespace fortium::service {

class Peer;

struct Shared {
  Shared(const ServerOptions& server_options, Handler& answering, FairQueue& workers, std::string id_prefix)
      : options(server_options),
        handler(answering),
        work(workers),
        request_prefix(std::move(id_prefix)),
        trusted(server_options.trusted_proxies),
        counts(answering.counts()) {}

  using Peers = std::unordered_map<Peer*, std::weak_ptr<Peer>>;

  // Runs on the pool, in its turn; how much waits is counted. False: too much does, and this will not be done.
  bool on_pool(const std::string& lane, FairQueue::Work todo) {
    const auto since = std::chrono::steady_clock::now();
    ++counts.waiting;
    const bool taken = work.post(lane, [this, since, todo = std::move(todo)] {
      --counts.waiting;
      counts.waits.add(std::chrono::steady_clock::now() - since);
      ++counts.working;
      todo();
      --counts.working;
    });
    if (!taken) --counts.waiting;
    return taken;
  }

  const ServerOptions options;
  Handler& handler;
  FairQueue& work;
  const std::string request_prefix;
  const AddressRanges trusted;
  EdgeCounts& counts;
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<bool> stopping = false;
  Guarded<Peers> peers;
  std::function<void()> on_last_gone;  // called when a connection ends and no other is left
};

class Peer : public std::enable_shared_from_this<Peer> {
 public:
  explicit Peer(Shared& shared) : shared_(shared) {}
  virtual ~Peer() {
    const bool last = shared_.peers.with([this](auto& peers) {
      peers.erase(this);
      shared_.counts.connections = static_cast<std::int64_t>(peers.size());
      return peers.empty();
    });
    if (last) shared_.on_last_gone();
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // How many there are, with this one.
  std::size_t enroll() {
    return shared_.peers.with([this](auto& peers) {
      peers.emplace(this, weak_from_this());
      shared_.counts.connections = static_cast<std::int64_t>(peers.size());
      return peers.size();
    });
  }
  // Ends what was not begun at once, and the rest when it is finished. Any thread.
  virtual void stop() = 0;

 protected:
  Shared& shared_;
};

}  // namespace fortium::service
