// What may stand in a damaged row of sums: a byte that says which, then durations, spans of names or hours of sessions.
// What is taken gives bytes that are taken again as the same.
#include "fortium/metrics/name_span.h"
#include "fortium/metrics/session_hour.h"
#include "fuzz/target.h"

using namespace fortium;
using namespace fortium::metrics;
using fuzz::must;

namespace {

constexpr std::int64_t kDay = 20'000;

void read_durations(std::string_view bytes) {
  const auto read = Durations::from_bytes(bytes);
  Durations many;
  for (int i = 0; i < 600; ++i) many.add(i);
  must(many.merge_bytes(bytes) == read.ok(), "bytes are added up if they can be read");
  if (!read) return;
  must(read->bytes() == bytes, "durations have one form");
  must(many.count() == 600 + read->count(), "all of them are added");
}

void read_spans(std::string_view bytes) {
  NameSpan span{.begin = kDay * kHoursADay};
  while (!bytes.empty() && span.take_from(bytes, /*with_durations=*/true)) {
    std::string again;
    span.append_to(again);
    NameSpan same{.begin = span.begin};
    std::string_view rest = again;
    must(same.take_from(rest, true) && rest.empty() && same == span, "a span comes back the same");
  }
}

void read_hours(std::string_view bytes) {
  SessionHour hour;
  for (bool first = true; !bytes.empty() && hour.take_from(bytes, kDay, first); first = false) {
    std::string again;
    hour.append_to(again, nullptr);
    SessionHour same;
    std::string_view rest = again;
    must(same.take_from(rest, kDay, true) && rest.empty() && same == hour, "an hour comes back the same");
    must(hour.hour / kHoursADay == kDay, "it is of its day");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = fuzz::text_of(bytes + 1, size - 1);
  switch (bytes[0] % 3) {
    case 0: read_durations(rest); break;
    case 1: read_spans(rest); break;
    default: read_hours(rest);
  }
  return 0;
}
