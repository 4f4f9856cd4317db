// A record of any kind: the first byte picks the kind, the rest is its JSON. What passes is written in wire form, and
// that reads back as the same record.
#include <nlohmann/json.hpp>

#include "fortium/metrics/event.h"
#include "fuzz/target.h"
#include "support/fakes.h"

using namespace fortium;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const metrics::Kind& kind = metrics::kinds()[bytes[0] % metrics::kinds().size()];
  const auto json = parse_json(fuzz::text_of(bytes + 1, size - 1));
  if (!json) return 0;
  const WallTime now = test::FakeClock().now();
  (void)metrics::is_newer(kind, *json);
  (void)schema::check(kind.shape, *json, schema::Edge::call, now);
  schema::Checked checked = metrics::check_event(kind, *json, now);
  for (const schema::Violation& violation : checked.violations) must(!violation.why.empty(), "a violation says why");
  if (!checked.ok()) return 0;

  const metrics::Event event{&kind, std::move(checked.row)};
  for (const bool named : {false, true}) {
    std::string wire;
    append_wire(wire, event, named);
    const auto again = parse_json(wire);
    must(again.ok(), "the wire form is JSON");
    const schema::Checked back = metrics::check_event(kind, *again, now);
    must(back.ok(), "the wire form passes the check");
    const metrics::Event same{&kind, back.row};
    must(metrics::same_content(event, same), "the wire form is the same record");
    std::string second;
    append_wire(second, same, named);
    must(wire == second, "the same record has the same bytes");
  }
  return 0;
}
