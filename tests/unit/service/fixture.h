// A whole service without sockets: a store of its own, time that the test moves, and short ways to ask.
//
// The store is in SQLite; with FORTIUM_TEST_ENGINE=postgres every test has a database of its own instead.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "fortium/base/json.h"
#include "service/limits.h"
#include "service/service.h"
#include "service/store/backend.h"
#include "support/fakes.h"
#include "support/postgres.h"
#include "support/temp_dir.h"

namespace fortium::service {

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.ok(), (result.ok() ? std::string() : result.error().what));
  return std::move(*result);
}

inline std::string gzipped(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// The nth UUID of a test.
inline std::string id(int n) {
  std::string digits = std::to_string(n);
  return "00000000-0000-7000-8000-" + std::string(12 - digits.size(), '0') + digits;
}

inline Json tool(const std::string& record_id, const std::string& name = "Edit") {
  Json record = {{"timestamp", "2026-01-02T01:00:00.000Z"},
                 {"tool_name", name},
                 {"execution_time_ms", 12.5},
                 {"status", "success"}};
  if (!record_id.empty()) record["id"] = record_id;
  return record;
}

// A JSON list, of one element too: braces around a single one are nothing to the JSON library.
template <class... Items>
Json list(const Items&... items) {
  Json all = Json::array();
  (all.push_back(items), ...);
  return all;
}

inline Json batch(const Json& tools) { return {{"batch_id", "b"}, {"device_id", "laptop"}, {"tool_usages", tools}}; }

inline Json body_of(const Response& response) {
  auto json = parse_json(response.body);
  REQUIRE_MESSAGE(json.ok(), response.body);
  return std::move(*json);
}

enum class Engine { sqlite, postgres };

inline Engine engine_of_run() {
  const char* engine = std::getenv("FORTIUM_TEST_ENGINE");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return engine != nullptr && std::string_view(engine) == "postgres" ? Engine::postgres : Engine::sqlite;
}

class Fixture {
 public:
  explicit Fixture(std::int64_t units_per_minute = 1'000'000, Engine engine = engine_of_run())
      : where(engine == Engine::postgres ? test::Postgres::of_program().new_database() : dir.path()),
        backend_(must(open_backend(where, clock, entropy))),
        control_(std::move(backend_.control)),
        service(control_, *backend_.depot, *backend_.answers, *backend_.sessions, clock,
                {.units_per_minute = units_per_minute}),
        acme(tenant("Acme")),
        key(issue(acme, kIngest | kRead)) {}

  Control& control() {
    return *control_.with([](auto& control) { return control.get(); });
  }
  Tenant tenant(const std::string& name) { return must(control().create_tenant(name)); }
  std::string issue(const Tenant& tenant, Scopes scopes, std::optional<Millis> life = std::nullopt) {
    return must(control().create_key(tenant, scopes, life)).text.reveal();
  }

  Request request(const std::string& method, const std::string& target, const std::string& with_key) const {
    Request request{.id = "r", .method = method, .peer = "127.0.0.1"};
    const std::size_t question = target.find('?');
    request.path = target.substr(0, question);
    if (question != target.npos) request.query = target.substr(question + 1);
    if (!with_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + with_key);
    return request;
  }
  Response get(const std::string& target) { return service.answer(request("GET", target, key)); }
  Response get(const std::string& target, const std::string& with_key) {
    return service.answer(request("GET", target, with_key));
  }
  // Any other: what is posted as JSON has its Content-Type.
  Response send(const std::string& method, const std::string& target, const Json& json, Headers more = {}) {
    Request one = request(method, target, key);
    one.headers.emplace_back("Content-Type", "application/json");
    for (auto& header : more) one.headers.push_back(std::move(header));
    one.body = dump_json(json);
    return service.answer(one);
  }
  Response post_text(std::string body, const std::string& with_key, Headers more = {}) {
    Request post = request("POST", "/api/v1/metrics/batch", with_key);
    post.headers.emplace_back("Content-Type", "application/json");
    for (auto& header : more) post.headers.push_back(std::move(header));
    post.body = std::move(body);
    return service.answer(post);
  }
  Response post(const Json& json) { return post_text(dump_json(json), key); }
  Response post(const Json& json, const std::string& with_key, Headers more = {}) {
    return post_text(dump_json(json), with_key, std::move(more));
  }
  // The receipts of a batch of tool usages, which must be processed.
  Json results(const Json& tools) {
    const Response response = post(batch(tools));
    REQUIRE_MESSAGE(response.status == 200, response.body);
    return body_of(response)["results"];
  }
  std::int64_t count(const std::string& with_key) {
    const Json json = body_of(get("/api/v1/metrics/ledger?from=2000-01-01&to=2026-12-31", with_key));
    std::int64_t sum = 0;
    for (const Json& row : json["days"]) sum += row["count"].get<std::int64_t>();
    return sum;
  }
  std::int64_t count() { return count(key); }

  test::TempDir dir;
  const std::string where;  // its store is
  test::FakeClock clock;
  SystemEntropy entropy;

 private:
  Backend backend_;
  SharedControl control_;

 public:
  Service service;
  Tenant acme;
  std::string key;
};

}  // namespace fortium::service
