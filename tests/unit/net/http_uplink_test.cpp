#include "net/http_uplink.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include "support/fakes.h"
#include "support/scripted_http.h"

using namespace fortium;
using namespace fortium::net;
using namespace std::chrono_literals;
using sync::Verdict;
using test::header_of;

namespace {

struct Fixture {
  test::FakeClock clock;
  test::ScriptedHttp http;
  UplinkOptions options{.origin = {true, "metrics.example.com", 443, "/team"},
                        .api_key = Secret("fm_live_0123456789abcdef"),
                        .organization_id = "acme",
                        .device_id = "dev\"ice",
                        .user_agent = "fortium-metrics/1.0.0",
                        .timeout = 12s};
  std::vector<sync::Waiting> rows = {{1, "a", 1, R"({"id":"a","tool_name":"Bash"})", 0},
                                     {2, "b", 0, R"({"id":"b"})", 0},
                                     {3, "c", 5, R"({"id":"c"})", 0},
                                     {4, "d", 1, R"({"id":"d"})", 0}};

  sync::Reply send(bool gzip = false) { return HttpUplink(http, options, clock).send({"batch-1", rows, gzip}); }
};

std::string gunzip(const std::string& text) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string out(4 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

}  // namespace

TEST_CASE("a batch is rendered by kind, its records byte for byte") {
  Fixture fixture;
  fixture.send();
  const HttpRequest& request = fixture.http.requests.at(0);
  CHECK(request.method == "POST");
  CHECK(request.path == "/team/api/v1/metrics/batch");
  CHECK(request.body == R"({"batch_id":"batch-1","device_id":"dev\"ice","sent_at":"2026-01-02T02:54:05.678Z",)"
                        R"("command_executions":[{"id":"b"}],"tool_usages":[{"id":"a","tool_name":"Bash"},{"id":"d"}],)"
                        R"("model_usages":[{"id":"c"}]})");
}

TEST_CASE("a batch goes out under its headers, and the deadline of the settings") {
  Fixture fixture;
  fixture.send();
  const HttpRequest& request = fixture.http.requests.at(0);
  CHECK(header_of(request, "Authorization") == "Bearer fm_live_0123456789abcdef");
  CHECK(header_of(request, "X-Organization-ID") == "acme");
  CHECK(header_of(request, "Content-Type") == "application/json");
  CHECK(header_of(request, "Idempotency-Key") == "batch-1");
  CHECK(header_of(request, "User-Agent") == "fortium-metrics/1.0.0");
  CHECK(header_of(request, "Content-Encoding") == "(none)");
  CHECK(request.deadline == 12s);
  CHECK(request.path.find("fm_live") == std::string::npos);
  CHECK(request.body.find("fm_live") == std::string::npos);
}

TEST_CASE("without a key and an organization their headers are left out") {
  Fixture fixture;
  fixture.options.api_key = Secret();
  fixture.options.organization_id.clear();
  fixture.send();
  CHECK(header_of(fixture.http.requests.at(0), "Authorization") == "(none)");
  CHECK(header_of(fixture.http.requests.at(0), "X-Organization-ID") == "(none)");
}

TEST_CASE("an empty batch is a well-formed body") {
  CHECK(render_batch({"x", {}, false}, "d", from_ms(0)) ==
        R"({"batch_id":"x","device_id":"d","sent_at":"1970-01-01T00:00:00.000Z","command_executions":[]})");
}

TEST_CASE("a body of a kilobyte goes compressed where the service takes it, a smaller one plain") {
  Fixture fixture;
  fixture.rows = {{1, "a", 1, "", 0}};
  const std::size_t frame = render_batch({"batch-1", fixture.rows, true}, fixture.options.device_id, {}).size();
  fixture.rows[0].wire = std::string(kGzipFrom - frame - 1, 'x');
  fixture.send(/*gzip=*/true);
  CHECK(header_of(fixture.http.requests.at(0), "Content-Encoding") == "(none)");
  CHECK(fixture.http.requests.at(0).body.size() == kGzipFrom - 1);

  fixture.rows[0].wire += 'x';
  fixture.send(/*gzip=*/true);
  CHECK(header_of(fixture.http.requests.at(1), "Content-Encoding") == "gzip");
  CHECK(fixture.http.requests.at(1).body.size() < kGzipFrom);
  CHECK(gunzip(fixture.http.requests.at(1).body) ==
        render_batch({"batch-1", fixture.rows, true}, fixture.options.device_id, fixture.clock.now()));

  fixture.send(/*gzip=*/false);
  CHECK(header_of(fixture.http.requests.at(2), "Content-Encoding") == "(none)");
}

TEST_CASE("compression gives back what went in, whatever its size") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{16'384}, std::size_t{3'000'000}}) {
    std::string text(size, 'a');
    for (std::size_t i = 0; i < size; i += 7) text[i] = static_cast<char>('a' + i % 23);
    CHECK(gunzip(gzip(text)) == text);
  }
}

TEST_CASE("415 asks for plain bodies only if this one was compressed") {
  Fixture fixture;
  fixture.http.answer(415, "");
  CHECK(fixture.send(/*gzip=*/true).verdict == Verdict::retry);  // too small to be compressed
  fixture.rows[0].wire.resize(2000, ' ');
  fixture.http.answer(415, "");
  CHECK(fixture.send(/*gzip=*/true).verdict == Verdict::plain);
}

TEST_CASE("a receipt comes back as outcomes") {
  Fixture fixture;
  fixture.http.answer(200, R"({"success":true,"batch_id":"batch-1","results":[{"id":"a","status":"accepted"}]})");
  const sync::Reply reply = fixture.send();
  CHECK(reply.verdict == Verdict::receipt);
  REQUIRE(reply.outcomes.size() == 1);
  CHECK(reply.outcomes[0].id == "a");
}

TEST_CASE("a broken transport is worth another try, and says where it broke") {
  Fixture fixture;
  fixture.http.answers.push_back({.ok = false, .stage = Stage::tls, .what = "the certificate is not accepted"});
  const sync::Reply reply = fixture.send();
  CHECK(reply.verdict == Verdict::retry);
  CHECK(reply.unreachable);
  CHECK(reply.message == "the certificate is not accepted");
}

TEST_CASE("capabilities are read as far as they are told") {
  Fixture fixture;
  fixture.http.answer(
      200, R"({"service":"fortium-metrics-server","version":"1.0.0","server_time":"2026-01-02T02:54:05.678Z",)"
           R"("organization":{"id":"o1","name":"acme"},"scopes":["ingest"],)"
           R"("limits":{"max_batch_records":1000,"max_body_bytes":10485760},"encodings":["br","gzip"],)"
           R"("features":["receipts","verify",7]})");
  HttpUplink uplink(fixture.http, fixture.options, fixture.clock);
  sync::Reply reply;
  const auto told = uplink.capabilities(reply);
  REQUIRE(told);
  CHECK(reply.verdict == Verdict::receipt);
  CHECK(told->service == "fortium-metrics-server");
  CHECK(told->organization_id == "o1");
  CHECK(told->organization_name == "acme");
  CHECK(told->scopes == std::vector<std::string>{"ingest"});
  CHECK(told->features == std::vector<std::string>{"receipts", "verify"});
  CHECK(told->server_time == fixture.clock.now());
  CHECK(told->max_records == 1000);
  CHECK(told->max_body_bytes == 10'485'760);
  CHECK(told->gzip);
  CHECK(fixture.http.requests.at(0).method == "GET");
  CHECK(fixture.http.requests.at(0).path == "/team/api/v1/capabilities");
  CHECK(header_of(fixture.http.requests.at(0), "Authorization") == "Bearer fm_live_0123456789abcdef");
}

TEST_CASE("capabilities of a service that has none: only what says 'later' stops the batch") {
  struct Row {
    int status;
    const char* body;
    Verdict verdict;
  };
  for (const Row& row :
       {Row{404, "", Verdict::misconfigured}, Row{405, "", Verdict::misconfigured},
        Row{500, "", Verdict::misconfigured}, Row{501, "<html>", Verdict::misconfigured},
        Row{302, "", Verdict::misconfigured}, Row{200, "<html>", Verdict::misconfigured},
        Row{200, "{}", Verdict::misconfigured}, Row{200, R"({"limits":7})", Verdict::misconfigured},
        Row{200, R"({"success":true,"data":{}})", Verdict::misconfigured}, Row{400, "", Verdict::misconfigured},
        Row{401, "", Verdict::unauthorized}, Row{403, "", Verdict::unauthorized}, Row{429, "", Verdict::retry},
        Row{503, "", Verdict::retry}}) {
    INFO(row.status << " " << row.body);
    Fixture fixture;
    fixture.http.answer(row.status, row.body);
    sync::Reply reply;
    CHECK(!HttpUplink(fixture.http, fixture.options, fixture.clock).capabilities(reply));
    CHECK(reply.verdict == row.verdict);
    CHECK(!reply.message.empty());
  }
  Fixture offline;
  sync::Reply reply;
  CHECK(!HttpUplink(offline.http, offline.options, offline.clock).capabilities(reply));
  CHECK(reply.verdict == Verdict::retry);
  CHECK(reply.unreachable);
}
