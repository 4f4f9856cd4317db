// Many events in little room: a quarter of what they take as values, in one piece. Values; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/metrics/event.h"

namespace fortium::metrics {

class EventPack {
 public:
  void add(const Event& event);
  // The one in this place of another pack.
  void add(const EventPack& other, std::size_t place);

  std::size_t size() const { return begins_.size(); }
  const Kind& kind(std::size_t place) const;
  std::string_view id(std::size_t place) const;
  // Into `event`, as it was added; the room of its texts is used again.
  void read(std::size_t place, Event& event) const;

 private:
  std::string_view bytes_of(std::size_t place) const;

  std::string bytes_;
  std::vector<std::size_t> begins_;
};

}  // namespace fortium::metrics
