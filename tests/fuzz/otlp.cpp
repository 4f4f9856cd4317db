// A request of OTLP: the first byte picks logs or metrics, in protobuf or in JSON; the rest is the body. Whatever comes
// in ends in records that pass their check or are refused one by one, and the same bytes give the same records.
#include <nlohmann/json.hpp>

#include "fortium/metrics/identity.h"
#include "fuzz/target.h"
#include "service/otlp/telemetry.h"
#include "service/otlp/wire.h"
#include "support/fakes.h"

using namespace fortium;  // NOLINT(google-build-using-namespace)
using namespace fortium::service;
using fuzz::must;

namespace {

std::vector<std::string> ids_of(const Telemetry& telemetry) {
  std::vector<std::string> ids;
  for (const BatchRecord& record : telemetry.batch.records) ids.push_back(record.json->at("id"));
  return ids;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const bool logs = (bytes[0] & 1) != 0;
  const bool wire = (bytes[0] & 2) != 0;
  const std::string_view body = fuzz::text_of(bytes + 1, size - 1);
  const auto json = wire ? read_wire(logs ? kLogsRequest : kMetricsRequest, body) : parse_json(body);
  if (!json) return must(!json.error().what.empty(), "a refusal says why"), 0;
  const auto telemetry = logs ? read_logs(*json) : read_points(*json);
  if (!telemetry) return must(!telemetry.error().what.empty(), "a refusal says why"), 0;
  must(telemetry->batch.records.size() <= telemetry->items, "an item makes one record at most");

  const WallTime now = test::FakeClock().now();
  SystemEntropy entropy;
  const Checked checked = check_records(
      telemetry->batch, {.tenant = "0197a000-0000-7000-8000-000000000001", .now = now, .entropy = &entropy});
  must(checked.lines.size() == telemetry->batch.records.size(), "each record has its line");
  for (const Line& line : checked.lines)
    must(line.status == Status::accepted || !line.message.empty(), "a record that is refused says why");
  for (const metrics::Event& event : checked.events) {
    must(metrics::is_derived(event.id()), "each id is derived");
    must(event.text(metrics::kSource) == "otlp", "each record says where it is from");
  }
  if (wire) {
    // What was read in one form is a request in the other.
    const auto again = parse_json(dump_json(*json));
    must(again.ok(), "the wire form is JSON");
    must(ids_of(*telemetry) == ids_of(*(logs ? read_logs(*again) : read_points(*again))), "both forms say the same");
  }
  return 0;
}
