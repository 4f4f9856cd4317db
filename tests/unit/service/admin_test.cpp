// What administrators ask for and change, and the audit log of it.
#include "service/access/admin.h"

#include "described.h"
#include "fixture.h"
#include "service/access/audit.h"
#include "service/access/forms.h"

namespace fortium::service {

using namespace std::chrono_literals;

namespace {

constexpr auto kWhoAmI = "/api/v1/capabilities";

// An organization with an administrator, beside the fixture's own.
struct World : Fixture {
  explicit World(std::int64_t units_per_minute = 1'000'000) : Fixture(units_per_minute) {}

  Response ask(const std::string& method, const std::string& target, const Json& json, const std::string& with_key) {
    Request request = this->request(method, target, with_key);
    if (!json.is_null()) {
      request.headers.emplace_back("Content-Type", "application/json");
      request.body = dump_json(json);
    }
    Response response = service.answer(request);
    CHECK(complaint(request, response) == "");
    return response;
  }
  Json data(const Response& response, int status = 200) {
    REQUIRE_MESSAGE(response.status == status, response.body);
    return body_of(response)["data"];
  }
  std::vector<AuditLine> lines(const std::string& tenant_id) {
    return must(Audit(control().sql(), clock).page(tenant_id, std::nullopt, 1000));
  }

  std::string admin = issue(acme, kAdmin);
  std::string super = issue(acme, kSuper);
  Tenant other = tenant("Other");
};

}  // namespace

TEST_CASE("an administrator makes, lists, rotates and revokes keys; their texts are shown once") {
  World w;
  const Json made = w.data(
      w.ask("POST", "/api/v1/admin/keys", {{"scopes", {"ingest", "read"}}, {"expires_in", "90d"}}, w.admin), 201);
  const std::string text = made["key"], key_id = made["id"];
  CHECK(made["scopes"] == Json({"ingest", "read"}));
  CHECK(made["expires_at"] == to_rfc3339(w.clock.now() + 90 * 24h));
  CHECK(w.get(kWhoAmI, text).status == 200);

  const Response listed = w.ask("GET", "/api/v1/admin/keys", {}, w.admin);
  CHECK(listed.body.find(key_id) != listed.body.npos);
  CHECK(listed.body.find(text) == listed.body.npos);

  const Json fresh =
      w.data(w.ask("POST", "/api/v1/admin/keys/" + key_id + "/rotate", {{"overlap", "1h"}}, w.admin), 201);
  CHECK(w.get(kWhoAmI, text).status == 200);
  CHECK(w.get(kWhoAmI, fresh["key"]).status == 200);
  w.clock.advance(1h);
  CHECK(w.get(kWhoAmI, text).status == 401);

  const std::string fresh_id = fresh["id"];
  CHECK(w.data(w.ask("DELETE", "/api/v1/admin/keys/" + fresh_id, {}, w.admin))["state"] == "revoked");
  CHECK(w.get(kWhoAmI, fresh["key"]).status == 401);  // at once on this instance
}

TEST_CASE("lists come by pages, each row once, also when others come and go meanwhile") {
  World w;
  (void)w.data(w.ask("POST", "/api/v1/admin/users", {{"name", "Zoe"}, {"role", "viewer"}}, w.admin), 201);
  for (int i = 0; i < 6; ++i) {
    w.clock.advance(1ms);
    (void)w.data(w.ask("POST", "/api/v1/admin/users", {{"name", "p" + std::to_string(i)}, {"role", "viewer"}}, w.admin),
                 201);
    (void)w.data(w.ask("POST", "/api/v1/admin/keys", Json::object(), w.admin), 201);
    (void)w.data(w.ask("POST", "/api/v1/admin/tenants", {{"name", "t" + std::to_string(i)}}, w.super), 201);
  }
  for (const auto& [path, key, least] : {std::tuple("/api/v1/admin/users", w.admin, 7U),
                                         {"/api/v1/admin/keys", w.admin, 8U},
                                         {"/api/v1/admin/tenants", w.super, 8U}}) {
    CAPTURE(path);
    std::vector<std::string> ids;
    std::string query = "?limit=3";
    for (int pages = 0; pages < 9; ++pages) {
      const Json page = body_of(w.get(std::string(path) + query, key));
      CHECK(page["data"].size() <= 3);
      for (const Json& row : page["data"]) ids.push_back(row["id"]);
      if (page["next_cursor"].is_null()) break;
      query = "?limit=3&cursor=" + page["next_cursor"].get<std::string>();
      if (std::string_view(path).ends_with("users") && pages == 0)
        (void)w.data(w.ask("DELETE", "/api/v1/admin/users/" + ids.back(), {}, w.admin));
    }
    CHECK(ids.size() >= least);
    std::ranges::sort(ids);
    CHECK(std::ranges::adjacent_find(ids) == ids.end());
    for (const char* wrong : {"?limit=0", "?limit=1001", "?page=2"})
      CHECK(w.get(std::string(path) + wrong, key).status == 400);
  }
}

TEST_CASE("a key of another organization is a key that there is not") {
  World w;
  const Issued theirs = must(w.control().create_key(w.other, kRead, std::nullopt));
  CHECK(w.ask("DELETE", "/api/v1/admin/keys/" + theirs.key.id, {}, w.admin).status == 404);
  CHECK(w.ask("POST", "/api/v1/admin/keys/" + theirs.key.id + "/rotate", Json::object(), w.admin).status == 404);
  CHECK(
      w.ask("PUT", "/api/v1/admin/rate-limits", {{"key", theirs.key.id}, {"requests_per_minute", 1}}, w.admin).status ==
      404);
  CHECK(w.get(kWhoAmI, theirs.text.reveal()).status == 200);
}

TEST_CASE("only the command line gives the scope super_admin") {
  World w;
  for (const std::string& key : {w.admin, w.super}) {
    const Response refused = w.ask("POST", "/api/v1/admin/keys", {{"scopes", {"super_admin"}}}, key);
    CHECK(refused.status == 400);
    CHECK(body_of(refused)["errors"][0]["field"] == "scopes");
    CHECK(w.ask("POST", "/api/v1/admin/users", {{"name", "eve"}, {"role", "super_admin"}}, key).status == 400);
  }
  const auto keys = must(w.control().keys(w.acme.id));
  const auto mine = std::ranges::find_if(keys, [](const Holder& one) { return one.key.scopes == kSuper; });
  CHECK(w.ask("POST", "/api/v1/admin/keys/" + mine->key.id + "/rotate", Json::object(), w.admin).status == 409);
}

TEST_CASE("what is wrong with a change is named by field, and what nobody asked for is wrong") {
  World w;
  const Json errors = body_of(
      w.ask("POST", "/api/v1/admin/keys",
            {{"scopes", "root"}, {"expires_in", "soon"}, {"requests_per_minute", 0}, {"sco", 1}}, w.admin))["errors"];
  std::vector<std::string> fields;
  for (const Json& error : errors) fields.push_back(error["field"]);
  CHECK(fields == std::vector<std::string>{"scopes", "expires_in", "requests_per_minute", "sco"});
  CHECK(w.ask("POST", "/api/v1/admin/keys", Json::array(), w.admin).status == 400);
}

TEST_CASE("people: created, listed, given another role, removed") {
  World w;
  const Json ada = w.data(
      w.ask("POST", "/api/v1/admin/users", {{"name", "Ada"}, {"role", "developer"}, {"user_id", "ada"}}, w.admin), 201);
  const std::string path = "/api/v1/admin/users/" + ada["id"].get<std::string>();
  CHECK(ada["user_id"] == "ada");
  CHECK(ada["has_password"] == false);
  CHECK(w.ask("POST", "/api/v1/admin/users", {{"name", "ADA"}, {"role", "viewer"}}, w.admin).status == 409);
  CHECK(w.ask("POST", "/api/v1/admin/users", {{"name", "Bob"}, {"role", "god"}}, w.admin).status == 400);
  CHECK(w.ask("POST", "/api/v1/admin/users", {{"name", "Bob"}, {"role", "viewer"}, {"password", "short"}}, w.admin)
            .status == 400);
  CHECK(w.data(w.ask("PUT", path, {{"role", "manager"}}, w.admin))["role"] == "manager");
  CHECK(w.data(w.ask("GET", path, {}, w.admin))["role"] == "manager");
  CHECK(w.data(w.ask("GET", "/api/v1/admin/users", {}, w.admin)).size() == 1);

  const std::string theirs = w.issue(w.other, kAdmin);
  for (const char* method : {"GET", "DELETE"}) CHECK(w.ask(method, path, {}, theirs).status == 404);
  CHECK(w.ask("PUT", path, {{"role", "viewer"}}, theirs).status == 404);
  CHECK(w.ask("DELETE", path, {}, w.admin).status == 200);
  CHECK(w.ask("GET", path, {}, w.admin).status == 404);
}

TEST_CASE("names of people are kept to the letter, and are never anything but names") {
  World w;
  std::string long_name;
  for (int i = 0; i < 255; ++i) long_name += "ß";
  for (const std::string& name : {std::string("Robert'); DROP TABLE people;--"), std::string("\"quoted\" \\ 100% _x_"),
                                  std::string("Ägäis 東京 🚀"), std::string("../../etc/passwd"), long_name}) {
    CHECK(w.data(w.ask("POST", "/api/v1/admin/users", {{"name", name}, {"role", "viewer"}}, w.admin), 201)["name"] ==
          name);
    const Json all = w.data(w.ask("GET", "/api/v1/admin/users", {}, w.admin));
    CHECK(std::ranges::count(all, Json(name), [](const Json& one) { return one["name"]; }) == 1);
  }
  CHECK(w.ask("POST", "/api/v1/admin/users", {{"name", long_name + "x"}, {"role", "viewer"}}, w.admin).status == 400);
  CHECK(w.ask("POST", "/api/v1/admin/users", {{"name", "a\nb"}, {"role", "viewer"}}, w.admin).status == 400);
}

TEST_CASE("organizations are made, suspended and removed by a super_admin alone, by their id alone") {
  World w;
  CHECK(w.ask("GET", "/api/v1/admin/tenants", {}, w.admin).status == 403);
  const Json made = w.data(w.ask("POST", "/api/v1/admin/tenants", {{"name", "Third"}}, w.super), 201);
  const std::string path = "/api/v1/admin/tenants/" + made["id"].get<std::string>();
  CHECK(w.get(kWhoAmI, made["key"]).status == 200);
  CHECK(w.data(w.ask("PUT", path, {{"state", "suspended"}}, w.super))["state"] == "suspended");
  CHECK(w.get(kWhoAmI, made["key"]).status == 403);
  CHECK(w.ask("PUT", path, {{"state", "gone"}}, w.super).status == 400);
  // A name that looks like an id leads nowhere.
  (void)w.tenant(made["id"]);
  CHECK(w.data(w.ask("GET", path, {}, w.super))["name"] == "Third");
  CHECK(w.ask("GET", "/api/v1/admin/tenants/Third", {}, w.super).status == 404);
  CHECK(w.ask("DELETE", path, {}, w.super).status == 200);
  CHECK(w.ask("GET", path, {}, w.super).status == 404);
}

TEST_CASE("limits: a tier or a number, of an organization by a super_admin, of a key by its organization") {
  World w;
  const auto limit = [&] { return body_of(w.get("/api/v1/admin/rate-limits", w.admin))["data"]; };
  CHECK(limit()["requests_per_minute"] == 1'000'000);
  CHECK(limit()["tiers"]["free"] == 100);
  CHECK(w.ask("PUT", "/api/v1/admin/rate-limits", {{"tier", "enterprise"}}, w.admin).status == 403);
  CHECK(w.ask("PUT", "/api/v1/admin/rate-limits", {{"tier", "gold"}}, w.super).status == 400);
  CHECK(w.ask("PUT", "/api/v1/admin/rate-limits", {{"organization", w.acme.id}, {"tier", "free"}}, w.super).status ==
        200);
  CHECK(limit()["tier"] == "free");
  CHECK(limit()["requests_per_minute"] == 100);
  CHECK(w.ask("PUT", "/api/v1/admin/rate-limits", {{"organization", w.acme.id}, {"requests_per_minute", 50}}, w.super)
            .status == 200);
  CHECK(limit()["requests_per_minute"] == 50);
  CHECK(limit()["backlog_records"] == 0);
  CHECK(w.ask("PUT", "/api/v1/admin/rate-limits", {{"organization", w.acme.id}, {"requests_per_minute", nullptr}},
              w.super)
            .status == 200);
  CHECK(limit()["requests_per_minute"] == 1'000'000);

  const Json key =
      w.data(w.ask("POST", "/api/v1/admin/keys", {{"scopes", {"read"}}, {"requests_per_minute", 10}}, w.admin), 201);
  int answered = 0;
  for (int i = 0; i < 20; ++i) answered += w.get(kWhoAmI, key["key"]).status == 200;
  CHECK(answered == 11);  // the burst too
  const Response refused = w.get(kWhoAmI, key["key"]);
  CHECK(refused.header("X-RateLimit-Limit") == "10");
  CHECK(w.get(kWhoAmI).status == 200);
}

TEST_CASE("every change is a line of the audit log: who, what, whose, and nothing secret") {
  World w;
  const std::size_t before = w.lines(w.acme.id).size();
  const Json key = w.data(w.ask("POST", "/api/v1/admin/keys", {{"scopes", {"read"}}}, w.admin), 201);
  const Json ada = w.data(
      w.ask("POST", "/api/v1/admin/users",
            {{"name", "Ada\",\"seq\":9"}, {"role", "developer"}, {"password", "correct horse battery"}}, w.admin),
      201);
  const auto lines = w.lines(w.acme.id);
  REQUIRE(lines.size() == before + 2);
  CHECK(lines[0].action == "user.create");
  CHECK(lines[0].subject == ada["id"]);
  CHECK((*parse_json(lines[0].detail))["name"] == "Ada\",\"seq\":9");
  CHECK(lines[1].action == "key.create");
  CHECK(lines[1].actor.starts_with("key:"));
  for (const AuditLine& line : lines) {
    CHECK(line.detail.find("correct horse") == line.detail.npos);
    CHECK(line.detail.find(key["key"].get<std::string>()) == line.detail.npos);
  }
  CHECK(must(Audit(w.control().sql(), w.clock).verify(w.acme.id)).lines == static_cast<std::int64_t>(lines.size()));
}

TEST_CASE("a change that is not kept leaves no line, and no line means no change") {
  World w;
  const std::size_t before = w.lines(w.acme.id).size();
  CHECK(w.ask("POST", "/api/v1/admin/users", {{"name", "Ada"}, {"role", "viewer"}}, w.admin).status == 201);
  CHECK(w.ask("POST", "/api/v1/admin/users", {{"name", "Ada"}, {"role", "viewer"}}, w.admin).status == 409);
  CHECK(w.lines(w.acme.id).size() == before + 1);
  REQUIRE(w.control()
              .sql()
              .write([&]() -> Result<void> {
                FM_TRY_(w.control().sql().run("ALTER TABLE audit RENAME TO hidden"));
                return {};
              })
              .ok());
  CHECK(w.ask("POST", "/api/v1/admin/users", {{"name", "Bob"}, {"role", "viewer"}}, w.admin).status >= 500);
  CHECK(w.data(w.ask("GET", "/api/v1/admin/users", {}, w.admin)).size() == 1);
}

TEST_CASE("the audit log is read in pages, the newest first, by its organization alone") {
  World w;
  for (int i = 0; i < 5; ++i)
    w.ask("POST", "/api/v1/admin/users", {{"name", "p" + std::to_string(i)}, {"role", "viewer"}}, w.admin);
  const Json first = body_of(w.get("/api/v1/admin/audit?limit=2", w.admin));
  REQUIRE_MESSAGE(first.contains("data"), first.dump());
  REQUIRE(first["data"].size() == 2);
  CHECK(first["data"][0]["detail"]["name"] == "p4");
  const std::string cursor = first["next_cursor"];
  const Json second = body_of(w.get("/api/v1/admin/audit?limit=2&cursor=" + cursor, w.admin));
  REQUIRE_MESSAGE(second.contains("data"), second.dump());
  CHECK(second["data"][0]["detail"]["name"] == "p2");
  const Response theirs = w.get("/api/v1/admin/audit", w.issue(w.other, kAdmin));
  CHECK(theirs.body.find("p4") == theirs.body.npos);
  CHECK(w.get("/api/v1/admin/audit?limit=0", w.admin).status == 400);
  CHECK(w.get("/api/v1/admin/audit?limit=1001", w.admin).status == 400);
  CHECK(w.get("/api/v1/admin/audit?chain=service", w.admin).status == 403);
  CHECK(w.get("/api/v1/admin/audit?chain=service", w.super).status == 200);
}

TEST_CASE("a line that was changed, removed or put in shows") {
  World w;
  for (int i = 0; i < 4; ++i)
    w.ask("POST", "/api/v1/admin/users", {{"name", "p" + std::to_string(i)}, {"role", "viewer"}}, w.admin);
  Sql& sql = w.control().sql();
  Audit audit(sql, w.clock);
  const AuditHead head = must(audit.verify(w.acme.id));
  CHECK(audit.verify(w.acme.id, head.hash).ok());
  CHECK_FALSE(audit.verify(w.acme.id, std::string(64, '0')).ok());
  const auto broken_by = [&](std::string_view statement) {
    std::string found;
    (void)sql.write([&]() -> Result<void> {
      FM_TRY_(sql.run(statement, w.acme.id));
      const auto verified = audit.verify(w.acme.id);
      found = verified ? "nothing" : verified.error().what;
      return Error{Errc::cancelled, "as it was"};
    });
    return found;
  };
  CHECK(broken_by("UPDATE audit SET detail = '{}' WHERE tenant = $1 AND seq = 2") ==
        "line 2 of the audit log is not what was written");
  CHECK(broken_by("UPDATE audit SET at = at + 1 WHERE tenant = $1 AND seq = 3") ==
        "line 3 of the audit log is not what was written");
  CHECK(broken_by("DELETE FROM audit WHERE tenant = $1 AND seq = 2") == "line 2 of the audit log is missing");
  CHECK(broken_by("UPDATE audit SET tenant = 'x' WHERE tenant = $1 AND seq = 1") ==
        "line 1 of the audit log is missing");
  CHECK(must(audit.verify(w.acme.id)).hash == head.hash);
}

TEST_CASE("refusals of known credentials are noted, and a flood of them in few lines") {
  World w;
  const std::size_t before = w.lines(w.acme.id).size();
  for (int i = 0; i < 10'000; ++i) CHECK(w.get("/api/v1/admin/audit").status == 403);  // the fixture's key is no admin
  w.service.rest();
  auto lines = w.lines(w.acme.id);
  REQUIRE(lines.size() == before + 1);
  CHECK(lines[0].action == "refused.insufficient_scope");
  CHECK((*parse_json(lines[0].detail))["times"] == 10'000);

  // However many keys are refused how often, an hour has its number of lines, and what is left out is counted.
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 10; ++i) w.get("/api/v1/admin/audit", w.issue(w.acme, kRead));
    w.service.rest();
    w.clock.advance(10s);
  }
  lines = w.lines(w.acme.id);
  CHECK(lines.size() <= before + static_cast<std::size_t>(kNotedRefusals + kNotedRefusals / 10));
  w.clock.advance(kNotedTime);
  w.get("/api/v1/admin/audit");
  w.service.rest();
  CHECK((*parse_json(w.lines(w.acme.id)[0].detail)).contains("left_out"));
}

TEST_CASE("a person's records are removed for good, by who they are or by the user_id of the records") {
  World w;
  Json records = list(tool(id(1)), tool(id(2)), tool(id(3)));
  records[0]["user_id"] = "ada";
  records[1]["user_id"] = "bob's \"own\"";
  records[2]["user_id"] = "eve";
  REQUIRE(w.post(batch(records)).status == 200);
  const Json ada = w.data(
      w.ask("POST", "/api/v1/admin/users", {{"name", "Ada L."}, {"role", "developer"}, {"user_id", "ada"}}, w.admin),
      201);
  const std::string path = "/api/v1/admin/users/";
  CHECK(w.data(w.ask("DELETE", path + ada["id"].get<std::string>() + "/data", {}, w.admin))["erased"] == 1);
  CHECK(w.data(w.ask("DELETE", path + "bob's%20%22own%22/data", {}, w.admin))["erased"] == 1);
  CHECK(w.data(w.ask("DELETE", path + "nobody/data", {}, w.admin))["erased"] == 0);
  CHECK(w.lines(w.acme.id)[0].action == "user.erase_data");
  // What comes again stays away.
  CHECK(w.results(list(records[0]))[0]["status"] == "duplicate");
  CHECK(body_of(w.get("/api/v1/metrics/tools?from=2026-01-01&to=2026-01-03"))["data"][0]["calls"] == 1);
}

TEST_CASE("records are kept as long as their organization says, and their sums for ever") {
  World w;
  Json records = list(tool(id(1)), tool(id(2)));
  records[0]["timestamp"] = "2025-11-01T00:00:00Z";
  REQUIRE(w.post(batch(records)).status == 200);
  CHECK(w.ask("PUT", "/api/v1/admin/retention", {{"tool_usage", 0}}, w.admin).status == 400);
  CHECK(w.ask("PUT", "/api/v1/admin/retention", {{"everything", 1}}, w.admin).status == 400);
  CHECK(w.data(w.ask("PUT", "/api/v1/admin/retention", {{"tool_usage", 30}}, w.admin))["tool_usage"] == 30);
  w.service.rest();
  w.clock.advance(kExpireEvery);
  w.service.rest();
  const auto exported = [&] {
    const std::string body = w.get("/api/v1/metrics/export?kind=tool_usage&from=2025-01-01&to=2026-12-31").body;
    return std::ranges::count(body, '\n');
  };
  CHECK(exported() == 1);
  CHECK(w.count() == 2);
  CHECK(w.data(w.ask("PUT", "/api/v1/admin/retention", {{"tool_usage", nullptr}}, w.admin))["tool_usage"] == nullptr);
}

}  // namespace fortium::service
