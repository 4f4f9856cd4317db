#include "mcp.h"

#include <utility>

#include "service/limits.h"

namespace fortium::service {

Mcp::Place::~Place() {
  mcp_.streams_.with([this](auto& streams) {
    const auto at = streams.find(tenant_);
    if (--at->second == 0) streams.erase(at);
  });
}

std::unique_ptr<Mcp::Place> Mcp::place(const std::string& tenant) {
  const bool free = streams_.with([&](auto& streams) {
    std::size_t& count = streams[tenant];
    return count < kMostStreamsOfTenant && ++count > 0;
  });
  return free ? std::make_unique<Place>(*this, tenant) : nullptr;
}

Mcp::Work::Work(Mcp& mcp, std::string session) : mcp_(mcp), session_(std::move(session)) {
  mcp_.works_.with([this](auto& works) { works.emplace(session_, this); });
}

Mcp::Work::~Work() {
  mcp_.works_.with(
      [this](auto& works) { std::erase_if(works, [this](const auto& one) { return one.second == this; }); });
}

std::span<const std::string> Mcp::Work::letters() {
  before_ = std::exchange(read_, {});
  mcp_.works_.with([this](auto&) { read_.swap(came_); });
  return read_;
}

void Mcp::tell_work(const std::string& session, const std::string& message) {
  works_.with([&](auto& works) {
    const auto [begin, end] = works.equal_range(session);
    for (auto at = begin; at != end; ++at)
      if (at->second->came_.size() < kMostLetters) at->second->came_.push_back(message);
  });
}

std::uint64_t Mcp::take_over(const std::string& session) {
  return newest_.with([&](auto& newest) { return newest[session] = ++number_; });
}

bool Mcp::is_newest(const std::string& session, std::uint64_t number) {
  return newest_.with([&](auto& newest) {
    const auto at = newest.find(session);
    return at != newest.end() && at->second == number;
  });
}

void Mcp::let_go(const std::string& session, std::uint64_t number) {
  newest_.with([&](auto& newest) {
    if (const auto at = newest.find(session); at != newest.end() && at->second == number) newest.erase(at);
  });
}

}  // namespace fortium::service
