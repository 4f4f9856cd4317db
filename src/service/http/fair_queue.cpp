#include "fair_queue.h"

#include <algorithm>
#include <utility>

namespace fortium::service {

namespace {

constexpr std::size_t kKeptFree = 4;  // one thread in so many is free of any one lane

}  // namespace

FairQueue::FairQueue(std::function<void(Work)> start, Limits limits)
    : start_(std::move(start)),
      limits_(limits),
      most_of_lane_(std::max<std::size_t>(1, limits.threads - std::max<std::size_t>(1, limits.threads / kKeptFree))) {}

bool FairQueue::post(const std::string& lane, Work work) {
  const bool taken = state_.with([&](State& state) {
    Lane& mine = state.lanes[lane];
    if (state.waiting >= limits_.waiting || mine.waiting.size() >= limits_.waiting_in_lane) {
      if (mine.waiting.empty() && mine.running == 0) state.lanes.erase(lane);
      return false;
    }
    if (mine.waiting.empty() && mine.running < most_of_lane_) state.turns.push_back(lane);
    mine.waiting.push_back(std::move(work));
    ++state.waiting;
    return true;
  });
  if (taken) pump();
  return taken;
}

std::optional<FairQueue::Next> FairQueue::next() {
  return state_.with([&](State& state) -> std::optional<Next> {
    if (state.running >= limits_.threads || state.turns.empty()) return std::nullopt;
    Next next{.lane = std::move(state.turns.front())};
    state.turns.pop_front();
    Lane& lane = state.lanes[next.lane];
    next.work = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    --state.waiting;
    ++state.running;
    if (++lane.running < most_of_lane_ && !lane.waiting.empty()) state.turns.push_back(next.lane);
    return next;
  });
}

void FairQueue::pump() {
  while (auto begun = next())
    start_([this, lane = std::move(begun->lane), work = std::move(begun->work)] {
      work();
      finished(lane);
    });
}

void FairQueue::finished(const std::string& lane) {
  state_.with([&](State& state) {
    --state.running;
    Lane& mine = state.lanes[lane];
    if (mine.running-- == most_of_lane_ && !mine.waiting.empty()) state.turns.push_back(lane);
    if (mine.running == 0 && mine.waiting.empty()) state.lanes.erase(lane);
  });
  pump();
}

}  // namespace fortium::service
