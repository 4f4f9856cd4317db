// What a service may answer: two bytes of status, then a Retry-After up to a line end, then the body.
#include <set>
#include <vector>

#include "fuzz/target.h"
#include "net/receipt.h"
#include "support/fakes.h"

using namespace fortium;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2) return 0;
  const int status = (bytes[0] << 8 | bytes[1]) % 600;
  std::string_view rest = fuzz::text_of(bytes + 2, size - 2);
  const auto end = rest.find('\n');
  const std::string_view retry_after = rest.substr(0, end);
  rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);

  const std::vector<sync::Waiting> records = {
      {1, "a", 1, R"({"id":"a"})", 0}, {2, "b", 0, R"({"id":"b"})", 0}, {3, "c", 5, R"({"id":"c"})", 0}};
  const sync::Batch batch{"batch-1", records, false};
  const Secret key("fm_0123456789abcdef");
  const net::HttpResponse response{status, {{"Retry-After", std::string(retry_after)}}, std::string(rest)};
  const sync::Reply reply = net::read_answer(response, batch, /*compressed=*/false, key, test::FakeClock().now());

  std::set<std::string> named;
  for (const sync::RecordOutcome& outcome : reply.outcomes) {
    must(outcome.id == "a" || outcome.id == "b" || outcome.id == "c", "only records of the batch have an outcome");
    must(named.insert(outcome.id).second, "a record has one outcome");
    must(outcome.reason.find(key.reveal()) == outcome.reason.npos, "the key is not shown");
  }
  must(reply.outcomes.empty() || reply.verdict == sync::Verdict::receipt, "only a receipt has outcomes");
  must(reply.outcomes.empty() || (status >= 200 && status <= 299), "only 2xx delivers");
  must(!reply.retry_after || *reply.retry_after > Millis(0), "a wait is longer than nothing");
  must(reply.max_records >= 0 && reply.max_body_bytes >= 0, "limits are not negative");
  must(reply.message.find(key.reveal()) == reply.message.npos, "the key is not shown");
  return 0;
}
