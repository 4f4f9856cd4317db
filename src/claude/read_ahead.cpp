#include "read_ahead.h"

#include <system_error>
#include <utility>

namespace fortium::claude {

namespace {

constexpr std::size_t kMostWaiting = 16'000;                // records: some 4 MiB
constexpr auto kLookAgain = std::chrono::milliseconds(50);  // should somebody have been woken for nothing

}  // namespace

ReadAhead::ReadAhead(std::vector<std::unique_ptr<LotStream>> streams, std::size_t threads) {
  state_.with([&](State& state) {
    for (auto& stream : streams) state.places.push_back({.stream = std::move(stream)});
  });
  readers_.resize(threads);
  // Where the system gives fewer, those that there are read it all.
  for (Alarm& wake : readers_) {
    try {
      threads_.emplace_back([this, &wake] { work(wake); });
    } catch (const std::system_error&) {
      if (threads_.empty()) throw;
      break;
    }
  }
}

ReadAhead::~ReadAhead() {
  state_.with([](State& state) { state.stop = true; });
  wake_readers();
}

void ReadAhead::wake_readers() {
  for (Alarm& reader : readers_) reader.poke();
}

Result<std::optional<Lot>> ReadAhead::next() {
  while (true) {
    enum class Turn { lot, over, later } turn = Turn::later;
    std::optional<Result<Lot>> lot;
    const bool passed = state_.with([&](State& state) {
      if (state.thrown) std::rethrow_exception(state.thrown);
      const std::size_t before = state.first;
      while (!state.places.empty() && state.places.front().lots.empty() && state.places.front().read) {
        state.places.pop_front();
        ++state.first;
      }
      if (state.places.empty()) {
        turn = Turn::over;
      } else if (auto& lots = state.places.front().lots; !lots.empty()) {
        turn = Turn::lot;
        lot = std::move(lots.front());
        lots.pop_front();
        if (*lot) state.waiting -= (**lot).records.size();
      }
      return state.first != before;
    });
    if (passed || lot) wake_readers();
    if (turn == Turn::over) return std::optional<Lot>();
    if (turn == Turn::later) {
      taker_.wait_for(kLookAgain);
      continue;
    }
    if (!*lot) return std::move(*lot).error();
    return std::optional<Lot>(std::move(**lot));
  }
}

void ReadAhead::work(Alarm& wake) {
  try {
    while (true) {
      std::size_t number = 0;
      const std::unique_ptr<LotStream> stream = state_.with([&](State& state) -> std::unique_ptr<LotStream> {
        if (state.stop || state.begun == state.first + state.places.size()) return nullptr;
        number = state.begun++;
        return std::move(state.places[number - state.first].stream);
      });
      if (stream == nullptr) return;
      read_all(number, *stream, wake);
    }
  } catch (...) {
    state_.with([](State& state) { state.thrown = std::current_exception(); });
  }
  taker_.poke();
}

void ReadAhead::read_all(std::size_t number, LotStream& stream, Alarm& wake) {
  bool failed = false;
  while (!failed && !stream.done() && wait_for_room(number, wake)) {
    Result<Lot> lot = stream.next();
    failed = !lot;
    state_.with([&](State& state) {
      if (lot) state.waiting += lot->records.size();
      state.places[number - state.first].lots.push_back(std::move(lot));
    });
    taker_.poke();
  }
  state_.with([&](State& state) { state.places[number - state.first].read = true; });
  taker_.poke();
}

// False: nobody wants to know any more.
bool ReadAhead::wait_for_room(std::size_t number, Alarm& wake) {
  while (true) {
    enum class Answer { go, wait, stop };
    const Answer answer = state_.with([&](const State& state) {
      if (state.stop) return Answer::stop;
      const bool turn = number == state.first && state.places.front().lots.empty();
      return turn || state.waiting < kMostWaiting ? Answer::go : Answer::wait;
    });
    if (answer != Answer::wait) return answer == Answer::go;
    wake.wait_for(kLookAgain);
  }
}

}  // namespace fortium::claude
