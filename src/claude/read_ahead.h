// Streams of lots, read by a few threads ahead of the one who takes them, in order: all of a stream before the next.
//
// So much waits at most, beside one lot of each thread; the stream whose turn it is always goes on. The threads end
// with the instance, which belongs to one thread.
#pragma once

#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "fortium/base/guarded.h"
#include "importer.h"

namespace fortium::claude {

// Used by one thread at a time.
class LotStream {
 public:
  virtual ~LotStream() = default;
  virtual Result<Lot> next() = 0;
  virtual bool done() const = 0;
};

class ReadAhead {
 public:
  ReadAhead(std::vector<std::unique_ptr<LotStream>> streams, std::size_t threads);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead();

  // Waits for it; nothing when all were taken. What a thread throws is thrown here.
  Result<std::optional<Lot>> next();

 private:
  struct Place {
    std::unique_ptr<LotStream> stream;
    std::deque<Result<Lot>> lots;
    bool read = false;  // to its end
  };
  struct State {
    std::deque<Place> places;  // from the stream whose turn it is
    std::size_t first = 0;     // its number
    std::size_t begun = 0;     // streams that a thread has taken
    std::size_t waiting = 0;   // records in all lots
    std::exception_ptr thrown;
    bool stop = false;
  };

  void work(Alarm& wake);
  void read_all(std::size_t number, LotStream& stream, Alarm& wake);
  bool wait_for_room(std::size_t number, Alarm& wake);
  void wake_readers();

  Guarded<State> state_;
  Alarm taker_;                // woken by each lot
  std::deque<Alarm> readers_;  // woken when there is room again
  std::vector<std::jthread> threads_;
};

}  // namespace fortium::claude
