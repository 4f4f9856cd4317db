// The table of status codes, and what counts as a receipt.
#include "net/receipt.h"

#include <doctest/doctest.h>

#include "fortium/metrics/kind.h"
#include "fortium/sync/engine.h"
#include "support/fakes.h"

using namespace fortium;
using namespace fortium::net;
using namespace std::chrono_literals;
using sync::RecordVerdict;
using sync::Verdict;

namespace {

const WallTime kNow = from_ms(test::FakeClock::kStart);
const std::string kBatch = "018f0000-0000-7000-8000-000000000001";

struct Fixture {
  std::vector<sync::Waiting> rows;
  Secret key{"fm_live_0123456789abcdef"};

  explicit Fixture(std::initializer_list<std::size_t> kinds = {1, 1, 0}) {
    for (const std::size_t kind : kinds) {
      const std::string id = std::string(1, static_cast<char>('a' + rows.size()));
      rows.push_back({static_cast<std::int64_t>(rows.size()) + 1, id, kind, "{\"id\":\"" + id + "\"}", 0});
    }
  }
  sync::Reply read(int status, std::string body, Headers headers = {}, bool compressed = false) {
    const sync::Batch batch{kBatch, rows, compressed};
    return read_answer({status, std::move(headers), std::move(body)}, batch, compressed, key, kNow);
  }
  // The verdicts by id, as "a=accepted b=retry".
  std::string lines(const std::string& body, int status = 200) {
    const sync::Reply reply = read(status, body);
    if (reply.verdict != Verdict::receipt) return "no receipt: " + reply.message;
    std::string text;
    for (const sync::RecordOutcome& outcome : reply.outcomes) {
      constexpr const char* kNames[] = {"accepted", "duplicate", "rejected", "retry"};
      text += (text.empty() ? "" : " ") + outcome.id + "=" + kNames[static_cast<int>(outcome.verdict)];
    }
    return text;
  }
};

std::string with_results(const std::string& results, const std::string& rest = "") {
  return R"({"success":true,"batch_id":")" + kBatch + R"(","results":)" + results + rest + "}";
}

}  // namespace

TEST_CASE("every status has its meaning") {
  struct Row {
    int status;
    Verdict verdict;
    bool unreachable;
    bool rate_limited = false;
  };
  const Row rows[] = {
      {100, Verdict::retry, true},         {103, Verdict::retry, true},          {200, Verdict::retry, true},
      {201, Verdict::retry, true},         {202, Verdict::retry, true},          {204, Verdict::retry, true},
      {206, Verdict::retry, true},         {299, Verdict::retry, true},          {300, Verdict::retry, true},
      {301, Verdict::retry, true},         {302, Verdict::retry, true},          {303, Verdict::retry, true},
      {304, Verdict::retry, true},         {307, Verdict::retry, true},          {308, Verdict::retry, true},
      {400, Verdict::bad_record, false},   {401, Verdict::unauthorized, false},  {402, Verdict::retry, true},
      {403, Verdict::unauthorized, false}, {404, Verdict::misconfigured, false}, {405, Verdict::misconfigured, false},
      {406, Verdict::retry, true},         {407, Verdict::retry, true},          {408, Verdict::retry, true},
      {409, Verdict::retry, true},         {410, Verdict::misconfigured, false}, {413, Verdict::too_large, false},
      {415, Verdict::retry, true},         {418, Verdict::retry, true},          {422, Verdict::bad_record, false},
      {425, Verdict::retry, true},         {429, Verdict::retry, false, true},   {431, Verdict::retry, true},
      {451, Verdict::retry, true},         {500, Verdict::retry, true},          {501, Verdict::retry, true},
      {502, Verdict::retry, true},         {503, Verdict::retry, true},          {504, Verdict::retry, true},
      {507, Verdict::retry, true},         {511, Verdict::retry, true},          {599, Verdict::retry, true},
      {600, Verdict::retry, true},         {799, Verdict::retry, true},
  };
  for (const Row& row : rows) {
    for (const char* body : {"", "<html>sign in</html>", "{}", "[]", "null"}) {
      INFO(row.status << " " << body);
      const sync::Reply reply = Fixture().read(row.status, body);
      CHECK(reply.verdict == row.verdict);
      CHECK(reply.unreachable == row.unreachable);
      CHECK(reply.rate_limited == row.rate_limited);
      CHECK(reply.outcomes.empty());
      CHECK(reply.message.starts_with("HTTP " + std::to_string(row.status)));
    }
  }
}

TEST_CASE("no status but 2xx delivers, whatever the body says") {
  for (const int status : {100, 300, 302, 304, 400, 401, 404, 409, 413, 422, 429, 500, 503, 799})
    CHECK(Fixture().read(status, with_results(R"([{"id":"a","status":"accepted"}])")).outcomes.empty());
  for (const int status : {200, 201, 202, 207})
    CHECK(Fixture().lines(with_results(R"([{"id":"a","status":"accepted"}])"), status) == "a=accepted");
}

TEST_CASE("415 means plain bodies only when the body was compressed") {
  CHECK(Fixture().read(415, "", {}, /*compressed=*/true).verdict == Verdict::plain);
  CHECK(Fixture().read(415, "", {}, /*compressed=*/false).verdict == Verdict::retry);
}

TEST_CASE("a receipt with a line for each record") {
  CHECK(
      Fixture().lines(with_results(
          R"([{"index":0,"id":"a","status":"accepted"},{"id":"b","status":"duplicate"},{"id":"c","status":"rejected"}])")) ==
      "a=accepted b=duplicate c=rejected");
  CHECK(Fixture().lines(with_results(R"([{"id":"b","status":"retry","code":"newer_version"}])")) == "b=retry");
  CHECK(Fixture().lines(with_results("[]")) == "");
}

TEST_CASE("lines that name nothing of ours are ignored") {
  CHECK(Fixture().lines(with_results(R"([{"id":"z","status":"accepted"},{"id":"a","status":"accepted"}])")) ==
        "a=accepted");
  CHECK(
      Fixture().lines(with_results(
          R"([{"id":7,"status":"accepted"},{"status":"accepted"},null,3,"a",{"id":"a"},{"id":"a","status":"stored"},{"id":"a","status":null}])")) ==
      "");
  CHECK(Fixture().lines(with_results(R"([{"id":"","status":"accepted"},{"id":null,"index":0,"status":"accepted"}])")) ==
        "");
}

TEST_CASE("a line without an id names its record by the index in the body") {
  // The body has the commands first: c, then a and b.
  CHECK(Fixture().lines(with_results(R"([{"index":0,"status":"accepted"},{"index":2,"status":"duplicate"}])")) ==
        "c=accepted b=duplicate");
  CHECK(
      Fixture().lines(with_results(
          R"([{"index":3,"status":"accepted"},{"index":-1,"status":"accepted"},{"index":0.5,"status":"accepted"},{"index":18446744073709551615,"status":"accepted"}])")) ==
      "");
}

TEST_CASE("two lines for one record: once if they agree, later if they do not") {
  CHECK(Fixture().lines(with_results(R"([{"id":"a","status":"accepted"},{"id":"a","status":"accepted"}])")) ==
        "a=accepted");
  CHECK(Fixture().lines(with_results(R"([{"id":"a","status":"accepted"},{"id":"a","status":"rejected"}])")) ==
        "a=retry");
  CHECK(Fixture().lines(with_results(
            R"([{"id":"a","status":"rejected"},{"id":"a","status":"accepted"},{"id":"a","status":"accepted"}])")) ==
        "a=retry");
}

TEST_CASE("an answer that is not a receipt of this batch delivers nothing") {
  const std::string line = R"([{"id":"a","status":"accepted"}])";
  for (const std::string& body : {
           R"({"success":true,"results":)" + line + "}",
           R"({"success":true,"batch_id":"other","results":)" + line + "}",
           R"({"success":true,"batch_id":7,"results":)" + line + "}",
           R"({"success":false,"batch_id":")" + kBatch + R"(","results":)" + line + "}",
           R"({"success":"true","batch_id":")" + kBatch + R"(","results":)" + line + "}",
           R"({"batch_id":")" + kBatch + R"(","results":)" + line + "}",
           with_results("{}"),
           with_results(R"("all")"),
           with_results(line).substr(0, 60),
           with_results(line) + "x",
           with_results(line, R"(,"success":false)"),
       }) {
    INFO(body);
    const sync::Reply reply = Fixture().read(200, body);
    CHECK(reply.verdict == Verdict::retry);
    CHECK(reply.unreachable);
    CHECK(reply.outcomes.empty());
    CHECK(!reply.message.empty());
  }
}

TEST_CASE("the documented answer delivers when its counts are those of the batch") {
  const std::string all = "a=accepted b=accepted c=accepted";
  const auto counts = [](const std::string& data, const std::string& rest = "") {
    return R"({"success":true,"data":)" + data + rest + "}";
  };
  CHECK(Fixture().lines(counts(R"({"command_executions":1,"tool_usages":2})")) == all);
  CHECK(Fixture().lines(
            counts(R"({"command_executions":1,"tool_usages":2,"user_sessions":0,"processing_time_ms":2.5})"), 201) ==
        all);
  CHECK(Fixture().lines(counts(R"({"command_executions":1,"tool_usages":2})", R"(,"results":null,"batch_id":null)")) ==
        all);
  CHECK(Fixture().lines(counts(R"({"command_executions":1,"tool_usages":2})", R"(,"batch_id":")" + kBatch + "\"")) ==
        all);
  for (const std::string& body : {
           counts(R"({"command_executions":1,"tool_usages":1})"),
           counts(R"({"command_executions":2,"tool_usages":1})"),
           counts(R"({"command_executions":1})"),
           counts(R"({"command_executions":1,"tool_usages":2,"model_usages":1})"),
           counts(R"({"command_executions":1.5,"tool_usages":2})"),
           counts(R"({"command_executions":"1","tool_usages":2})"),
           counts(R"({"command_executions":1,"tool_usages":18446744073709551615})"),
           counts("3"),
           counts("null"),
           std::string(R"({"success":true})"),
           std::string(R"({"success":false,"data":{"command_executions":1,"tool_usages":2}})"),
           counts(R"({"command_executions":1,"tool_usages":2})", R"(,"batch_id":"other")"),
       })
    CHECK(Fixture().lines(body).starts_with("no receipt: "));
}

TEST_CASE("an empty batch is answered by an empty receipt") {
  Fixture empty({});
  CHECK(empty.lines(with_results("[]")) == "");
  CHECK(empty.lines(R"({"success":true,"data":{"command_executions":0}})") == "");
  CHECK(empty.lines("{}").starts_with("no receipt"));
}

TEST_CASE("limits in a receipt are read, nonsense is not") {
  const sync::Reply reply =
      Fixture().read(200, with_results("[]", R"(,"limits":{"max_batch_records":1000,"max_body_bytes":10485760})"));
  CHECK(reply.max_records == 1000);
  CHECK(reply.max_body_bytes == 10'485'760);
  for (const char* limits : {R"({"max_batch_records":-5,"max_body_bytes":"1"})", "7", "null",
                             R"({"max_batch_records":1.5,"max_body_bytes":18446744073709551615})"}) {
    const sync::Reply odd = Fixture().read(200, with_results("[]", std::string(",\"limits\":") + limits));
    CHECK(odd.verdict == Verdict::receipt);
    CHECK(odd.max_records == 0);
    CHECK(odd.max_body_bytes == 0);
  }
}

TEST_CASE("a refusal's reason is its code and message, without the key, on one line and cut") {
  const auto reason = [](const std::string& members) {
    const auto reply = Fixture().read(200, with_results(R"([{"id":"a","status":"rejected")" + members + "}]"));
    REQUIRE(reply.outcomes.size() == 1);
    return reply.outcomes[0].reason;
  };
  CHECK(reason(R"(,"code":"invalid","message":"name: is required")") == "invalid: name: is required");
  CHECK(reason(R"(,"code":"invalid")") == "invalid");
  CHECK(reason(R"(,"message":"no")") == "no");
  CHECK(reason("") == "refused without a reason");
  CHECK(reason(R"(,"code":7,"message":null)") == "refused without a reason");
  CHECK(reason(R"(,"message":"key fm_live_0123456789abcdef is bad")") == "key …cdef is bad");
  CHECK(reason(R"(,"message":"a\u001b[31m\nb\u007f")") == "a [31m b ");
  const std::string at_limit(200, 'x');
  CHECK(reason(R"(,"message":")" + at_limit + "\"") == at_limit);
  CHECK(reason(R"(,"message":")" + at_limit + "x\"") == at_limit + "…");
}

TEST_CASE("what the service says of a whole batch is shown, without the key and cut") {
  const auto words = [](const std::string& body) { return Fixture().read(400, body).message; };
  CHECK(words(R"({"message":"name: is required"})") == "HTTP 400: name: is required");
  CHECK(words(R"({"error":"no"})") == "HTTP 400: no");
  CHECK(words(R"({"error":{"message":"deep"}})") == "HTTP 400: deep");
  CHECK(words(R"({"message":"invalid","errors":[{"field":"tool_name","message":"is required"}]})") ==
        "HTTP 400: tool_name: is required");
  CHECK(words(R"({"message":"Bearer fm_live_0123456789abcdef"})") == "HTTP 400: Bearer …cdef");
  CHECK(words(R"({"message":7})") == "HTTP 400");
  CHECK(words("<html>") == "HTTP 400");
  CHECK(words(R"({"message":")" + std::string(500, 'x') + "\"}").size() == 200 + std::string("HTTP 400: …").size());
}

TEST_CASE("a Retry-After is seconds or a date; garbage, nought and the past are no answer") {
  CHECK(parse_retry_after("7", kNow) == 7s);
  CHECK(parse_retry_after(" 7\t", kNow) == 7s);
  CHECK(parse_retry_after("86400", kNow) == 24h);
  CHECK(parse_retry_after("86401", kNow) == 24h);
  CHECK(parse_retry_after("1000000000", kNow) == 24h);
  CHECK(parse_retry_after("99999999999999999999999999", kNow) == 24h);
  CHECK(parse_retry_after("0", kNow) == std::nullopt);
  for (const char* garbage :
       {"", " ", "-1", "1.5", "1e9", "soon", "7s", "Fri, 02 Jan 2026", "Fri, 32 Jan 2026 03:00:00 GMT",
        "Fri, 02 Foo 2026 03:00:00 GMT", "Fri, 02 Jan 2026 24:00:00 GMT", "Fri, 02 Jan 2026 03:00:00 CET",
        "Fri, -2 Jan 2026 03:00:00 GMT"})
    CHECK(parse_retry_after(garbage, kNow) == std::nullopt);
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == from_ms(784'111'777'000));
  const WallTime then = *parse_http_date("Fri, 02 Jan 2026 02:54:05 GMT");
  CHECK(parse_retry_after("Fri, 02 Jan 2026 02:55:05 GMT", then) == 60s);
  CHECK(parse_retry_after("Fri, 02 Jan 2026 02:54:05 GMT", then) == std::nullopt);
  CHECK(parse_retry_after("Thu, 01 Jan 2026 02:54:05 GMT", then) == std::nullopt);
  CHECK(parse_retry_after("Fri, 02 Jan 2099 02:54:05 GMT", then) == 24h);
}

TEST_CASE("a Retry-After is heeded where only the service could mean it") {
  for (const int status : {408, 425, 429, 500, 502, 503, 504, 507, 599})
    CHECK(Fixture().read(status, "", {{"retry-after", "30"}}).retry_after == 30s);
  for (const int status : {200, 204, 302, 304, 400, 401, 404, 409, 413, 418, 799})
    CHECK(Fixture().read(status, "", {{"Retry-After", "30"}}).retry_after == std::nullopt);
}

TEST_CASE("a Retry-After date is read by the service's own clock") {
  CHECK(
      Fixture()
          .read(503, "", {{"Date", "Mon, 05 Jan 2015 10:00:00 GMT"}, {"Retry-After", "Mon, 05 Jan 2015 10:00:30 GMT"}})
          .retry_after == 30s);
}

TEST_CASE("without the header, retry_after in the body counts") {
  CHECK(Fixture().read(503, R"({"retry_after":12})").retry_after == 12s);
  CHECK(Fixture().read(503, R"({"retry_after":12})", {{"Retry-After", "garbage"}}).retry_after == std::nullopt);
  CHECK(Fixture().read(503, R"({"retry_after":"soon"})").retry_after == std::nullopt);
}
