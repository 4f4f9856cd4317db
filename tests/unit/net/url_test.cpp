#include <doctest/doctest.h>

#include "fortium/net/http.h"

using namespace fortium;
using namespace fortium::net;

TEST_CASE("an address is taken apart") {
  struct Row {
    const char* url;
    Origin origin;
  };
  const Row rows[] = {
      {"https://metrics.example.com", {true, "metrics.example.com", 443, ""}},
      {"https://metrics.example.com/", {true, "metrics.example.com", 443, ""}},
      {"HTTPS://Metrics.Example.COM:8443/Team/a/", {true, "metrics.example.com", 8443, "/Team/a"}},
      {"http://localhost:3000", {false, "localhost", 3000, ""}},
      {"http://127.0.0.1", {false, "127.0.0.1", 80, ""}},
      {"http://[::1]:8080/x", {false, "::1", 8080, "/x"}},
      {"https://[2001:DB8::1]", {true, "2001:db8::1", 443, ""}},
      {"https://h:1", {true, "h", 1, ""}},
      {"https://h:65535", {true, "h", 65535, ""}},
      {"https://my_host//", {true, "my_host", 443, ""}},
  };
  for (const Row& row : rows) {
    INFO(row.url);
    const auto origin = parse_url(row.url);
    REQUIRE(origin.ok());
    CHECK(origin->tls == row.origin.tls);
    CHECK(origin->host == row.origin.host);
    CHECK(origin->port == row.origin.port);
    CHECK(origin->base_path == row.origin.base_path);
  }
}

TEST_CASE("what is no address, or says too much, is refused") {
  for (const char* url : {"",
                          "metrics.example.com",
                          "ftp://host",
                          "https:/host",
                          "https://",
                          "https:///path",
                          "https://:443",
                          "https://user@host",
                          "https://user:secret@host/",
                          "https://host?x=1",
                          "https://host/#top",
                          "https://host:",
                          "https://host:0",
                          "https://host:65536",
                          "https://host:99999999999",
                          "https://host:+1",
                          "https://host:8x",
                          "https://ho st",
                          "https://host/a b",
                          "https://host\r\nX: y",
                          "https://h\xC3\xB6st",
                          "https://[::1",
                          "https://::1",
                          "https://[::1]x",
                          "https://[host]",
                          "https://host\\evil",
                          "https://a:b:c"}) {
    INFO(url);
    const auto origin = parse_url(url);
    REQUIRE(!origin.ok());
    CHECK(origin.error().code == Errc::invalid);
    CHECK(origin.error().what.find("secret") == std::string::npos);
  }
}

TEST_CASE("only this machine is loopback") {
  for (const char* host : {"localhost", "LocalHost", "localhost.", "a.localhost", "127.0.0.1", "127.0.0.1.",
                           "127.255.255.254", "::1", "[::1]", "0:0:0:0:0:0:0:1"}) {
    INFO(host);
    CHECK(is_loopback(host));
  }
  for (const char* host :
       {"", "localhost.example.com", "127.0.0.1.example.com", "127.1", "127.0.0.256", "127.0.0.1.1", "128.0.0.1",
        "0.0.0.0", "::", "::2", "127.a.0.1", "notlocalhost", "127..0.1", "127.0.0.", "10.0.0.1"}) {
    INFO(host);
    CHECK(!is_loopback(host));
  }
}

TEST_CASE("a header is found in any case, the first of its name") {
  const HttpResponse response{200, {{"Retry-After", "1"}, {"retry-after", "2"}, {"X", ""}}, ""};
  CHECK(response.header("RETRY-AFTER") == "1");
  CHECK(response.header("x").empty());
  CHECK(response.header("y").empty());
}
