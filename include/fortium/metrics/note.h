// Something that was told of a session and is kept before it is records: what it means depends on what is open by then,
// and so on what was told before it. Values; any thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "fortium/metrics/event.h"
#include "fortium/metrics/open_call.h"

namespace fortium::metrics {

struct Note {
  std::string session_id;
  std::string text;  // a JSON object, of whoever understands it
};

// What comes of a note. The same note gives records of the same ids.
struct Meaning {
  std::vector<Event> events;
  Changes changes;
};
// `open`: all that is open in the note's session. A note that says nothing any more means nothing.
using Understand = std::function<Meaning(const Note& note, std::span<const OpenCall> open)>;

}  // namespace fortium::metrics
