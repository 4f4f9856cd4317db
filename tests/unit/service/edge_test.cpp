// Addresses, origins, and the service's own figures.
#include <fstream>

#include "fixture.h"
#include "service/http/addresses.h"
#include "service/http/origins.h"
#include "service/settings.h"

namespace fortium::service {

TEST_CASE("ranges of addresses, of both kinds") {
  const AddressRanges ranges({"10.0.0.0/8", "192.0.2.7", "fd00::/8", "nonsense", "10.1.1.1/33"});
  for (const char* in : {"10.0.0.0", "10.255.255.255", "192.0.2.7", "fd12::1", "::ffff:10.1.2.3"})
    CHECK_MESSAGE(ranges.contain(in), in);
  for (const char* out : {"9.255.255.255", "11.0.0.0", "192.0.2.8", "fe00::1", "", "10.0.0.1, 1.1.1.1", "localhost"})
    CHECK_FALSE_MESSAGE(ranges.contain(out), out);
  CHECK(AddressRanges({"0.0.0.0/0"}).contain("203.0.113.1"));
  CHECK_FALSE(AddressRanges({"0.0.0.0/0"}).contain("fd00::1"));
  CHECK(AddressRanges({"10.0.0.128/25"}).contain("10.0.0.200"));
  CHECK_FALSE(AddressRanges({"10.0.0.128/25"}).contain("10.0.0.100"));
  CHECK(address_range_complaint("10.0.0.0/8").empty());
  for (const char* wrong : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "::1/129", "a"})
    CHECK_FALSE_MESSAGE(address_range_complaint(wrong).empty(), wrong);
  CHECK(is_this_machine("127.0.0.53"));
  CHECK(is_this_machine("::1"));
  CHECK_FALSE(is_this_machine("10.0.0.1"));
}

TEST_CASE("a client is the last that no trusted proxy speaks for") {
  const AddressRanges trusted({"127.0.0.1", "10.0.0.0/8"});
  CHECK(client_of("203.0.113.9", "198.51.100.1", trusted) == "203.0.113.9");  // a stranger is not believed
  CHECK(client_of("127.0.0.1", "198.51.100.1", trusted) == "198.51.100.1");
  CHECK(client_of("127.0.0.1", "1.1.1.1, 198.51.100.1, 10.2.3.4", trusted) == "198.51.100.1");
  CHECK(client_of("127.0.0.1", "", trusted) == "127.0.0.1");
  CHECK(client_of("127.0.0.1", "unknown", trusted) == "127.0.0.1");
  CHECK(client_of("127.0.0.1", "10.0.0.1, 10.0.0.2", trusted) == "10.0.0.1");
}

TEST_CASE("which pages may ask") {
  const Origins origins({"https://Metrics.Example.com"});
  const auto welcome = [&](const std::string& origin) {
    return origins.welcomes(Request{.headers = {{"Origin", origin}}});
  };
  CHECK(origins.welcomes(Request{}));
  for (const char* good : {"https://metrics.example.com", "http://localhost:3000", "https://[::1]", "http://127.0.0.1"})
    CHECK_MESSAGE(welcome(good), good);
  for (const char* bad : {"http://metrics.example.com", "https://metrics.example.com:444", "null", "http://localhost.",
                          "http://localhost:", "http://127.0.0.1.example.com", "http://localhost:80x", "localhost"})
    CHECK_FALSE_MESSAGE(welcome(bad), bad);
  CHECK(origin_complaint("https://a.example:8443").empty());
  for (const char* bad : {"a.example", "https://", "https://a.example/", "https://a b", "*"})
    CHECK_FALSE_MESSAGE(origin_complaint(bad).empty(), bad);
}

TEST_CASE_FIXTURE(Fixture, "each answer is counted by its row, and records by what became of them") {
  (void)get("/api/v1/capabilities");
  (void)get("/api/v1/capabilities", "wrong");
  (void)get("/nothing");
  const std::string text = get("/metrics", "").body;
  const auto has = [&text](const std::string& line) { return ("\n" + text).find("\n" + line + "\n") != text.npos; };
  const std::string row = R"({method="GET",route="/api/v1/capabilities",status=")";
  CHECK(has("fortium_requests_total" + row + "2xx\"} 1"));
  CHECK(has("fortium_requests_total" + row + "4xx\"} 1"));
  CHECK(has(R"(fortium_requests_total{method="",route="none",status="4xx"} 1)"));
  CHECK(has(R"(fortium_request_seconds_count{method="GET",route="/api/v1/capabilities"} 2)"));
  Request far = request("GET", "/metrics", "");
  far.peer = "203.0.113.1";
  CHECK(service.answer(far).status == 403);
}

TEST_CASE("a bin holds what is no longer than its bound") {
  Times times;
  times.add(std::chrono::milliseconds(1));
  times.add(std::chrono::microseconds(1001));
  times.add(std::chrono::seconds(11));
  CHECK(times.in_bin(0) == 1);
  CHECK(times.in_bin(1) == 1);
  CHECK(times.in_bin(Times::kSeconds.size()) == 1);
  CHECK(times.sum() == doctest::Approx(11.002001));
}

TEST_CASE("what holds is the first of option, environment, file and default") {
  test::TempDir dir;
  const std::string path = dir.file("config.toml");
  std::ofstream(path) << "rate_limit = 3\nlog = \"info\"\nmetrics_token = \"from-a-file\"\n";
  const Environment environment = [](const char* name) -> std::optional<std::string> {
    if (std::string_view(name) == "RATE_LIMIT_MAX_REQUESTS") return "2";
    return std::nullopt;
  };
  CHECK(load_settings({{"rate_limit", "1"}}, path, environment).number("rate_limit") == 1);
  const Settings settings = load_settings({}, path, environment);
  CHECK(settings.problems.empty());
  CHECK(settings.number("rate_limit") == 2);
  CHECK(settings.text("log") == "info");
  CHECK(settings.millis("idle_timeout") == Millis(75'000));
  CHECK(settings.secret("metrics_token").reveal() == "from-a-file");
  CHECK(settings.text("metrics_token").find("from") == std::string::npos);
  for (const Setting& setting : settings_table())
    if (!setting.fallback.empty()) CHECK_FALSE(complaint(setting, setting.fallback));
}

}  // namespace fortium::service
