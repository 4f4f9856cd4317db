// The policy of sending, as stories: a queue in memory, a scripted other end, and a clock that moves when told to.
#include "fortium/sync/engine.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>

#include "support/fakes.h"
#include "support/memory_outbox.h"
#include "support/scripted_uplink.h"

using namespace fortium;
using namespace fortium::sync;
using namespace std::chrono_literals;
using test::ScriptedUplink;

namespace {

struct Lane {
  test::FakeClock clock;
  test::SpreadEntropy entropy;
  test::MemoryQueue queue;
  test::MemoryOutbox outbox{queue};
  ScriptedUplink uplink;
  Policy policy;
  std::optional<Engine> made;

  Lane() { queue.state.capabilities_at = clock.now(); }

  Engine& engine() {
    if (!made) made.emplace(outbox, uplink, entropy, policy);
    return *made;
  }
  StepReport step(Asked asked = Asked::background) {
    auto report = engine().step(clock.now(), asked);
    REQUIRE(report.ok());
    return *report;
  }
  // Steps as long as there is more to do at once. A hot loop ends the test.
  StepReport drain(int most = 10'000) {
    for (int i = 0; i < most; ++i) {
      StepReport report = step();
      if (report.step != Step::sent) return report;
      CHECK(report.wake == 0ms);
    }
    FAIL("more than " << most << " steps");
    return {};
  }
  // As drain(), but goes on through every wait.
  void drain_patiently(int waits) {
    for (int i = 0; i < waits && !queue.waiting.empty(); ++i) {
      const StepReport report = drain();
      clock.advance(report.wake + 1ms);
    }
  }
};

Reply reply_of(Verdict verdict, std::string message = "HTTP 500") {
  return {.verdict = verdict, .message = std::move(message)};
}

int ceil_log2(int n) { return n <= 1 ? 0 : static_cast<int>(std::bit_width(static_cast<unsigned>(n - 1))); }

}  // namespace

TEST_CASE("an empty queue costs no request, no lease and no write") {
  Lane lane;
  lane.queue.state.capabilities_at.reset();
  const StepReport report = lane.step();
  CHECK(report.step == Step::idle);
  CHECK(report.wake == 5s);
  CHECK(report.requests == 0);
  CHECK(lane.uplink.sent.empty());
  CHECK(lane.uplink.asked_capabilities == 0);
  CHECK(lane.queue.owner == 0);
  CHECK(lane.queue.saves == 0);
}

TEST_CASE("a receipt settles each record by its own line") {
  Lane lane;
  lane.queue.add(5);
  lane.uplink.on_batch = [](const Batch&) {
    return Reply{.verdict = Verdict::receipt,
                 .outcomes = {{"r1", RecordVerdict::accepted, ""},
                              {"r2", RecordVerdict::duplicate, ""},
                              {"r3", RecordVerdict::rejected, "invalid: no"},
                              {"r4", RecordVerdict::retry, ""},
                              {"stranger", RecordVerdict::accepted, ""}}};
  };
  const StepReport report = lane.step();
  CHECK(report.step == Step::sent);
  CHECK(report.requests == 1);
  CHECK(report.sent == 5);
  CHECK(report.accepted == 1);
  CHECK(report.duplicates == 1);
  CHECK(report.rejected == 1);
  CHECK(lane.queue.delivered == std::vector<std::string>{"r1", "r2"});
  CHECK(lane.queue.set_aside.at("r3") == "invalid: no");
  CHECK(lane.queue.is_waiting("r4"));
  CHECK(lane.queue.is_waiting("r5"));
  CHECK(lane.queue.waiting.at(5).attempts == 1);
}

TEST_CASE("success forgets what went wrong before") {
  Lane lane;
  lane.queue.add(1);
  lane.queue.state.failures = 3;
  lane.queue.state.circuit = Circuit::open;
  lane.queue.state.not_before = lane.clock.now();
  lane.queue.state.last_error = "HTTP 500";
  CHECK(lane.step().step == Step::sent);
  CHECK(lane.queue.state.failures == 0);
  CHECK(lane.queue.state.circuit == Circuit::closed);
  CHECK(!lane.queue.state.not_before);
  CHECK(lane.queue.state.last_error.empty());
  CHECK(lane.queue.state.last_success == lane.clock.now());
}

TEST_CASE("a batch is the smallest of the setting, what the service advertises and what was learnt") {
  struct Row {
    std::int64_t setting, advertised, learnt;
    std::size_t expected;
  };
  for (const Row& row : {Row{0, 0, 0, 20}, Row{7, 0, 0, 7}, Row{0, 50, 0, 50}, Row{30, 50, 0, 30}, Row{60, 50, 0, 50},
                         Row{0, 50, 3, 3}, Row{0, 0, 3, 3}, Row{0, 100'000, 0, 1000}, Row{21, 0, 0, 21}}) {
    Lane lane;
    lane.queue.add(1100);
    lane.policy.batch_size = row.setting;
    lane.queue.state.max_records = row.advertised;
    lane.queue.state.learnt_records = row.learnt;
    lane.step();
    CHECK(lane.uplink.sent.at(0).ids.size() == row.expected);
  }
}

TEST_CASE("a batch keeps below the advertised bytes, but is never empty") {
  Lane lane;
  lane.queue.add(10, 1, 1000);
  lane.queue.state.max_body_bytes = 4500;
  lane.step();
  CHECK(lane.uplink.sent.at(0).ids.size() == 3);
  lane.queue.state.max_body_bytes = 10;
  lane.step();
  CHECK(lane.uplink.sent.at(1).ids.size() == 1);
}

TEST_CASE("limits in a receipt count for the next batch") {
  Lane lane;
  lane.queue.add(40);
  lane.uplink.on_batch = [](const Batch& batch) {
    Reply reply = ScriptedUplink::accept_all(batch);
    reply.max_records = 6;
    reply.max_body_bytes = 123'456;
    return reply;
  };
  lane.step();
  lane.step();
  CHECK(lane.uplink.sent.at(0).ids.size() == 20);
  CHECK(lane.uplink.sent.at(1).ids.size() == 6);
  CHECK(lane.queue.state.max_body_bytes == 123'456);
}

TEST_CASE("capabilities are asked for first, once a day, and count at once") {
  Lane lane;
  lane.queue.state.capabilities_at.reset();
  lane.queue.state.learnt_records = 2;
  lane.queue.add(60);
  lane.uplink.told = Capabilities{.max_records = 30, .max_body_bytes = 1 << 20, .gzip = true};
  const StepReport first = lane.step();
  CHECK(first.step == Step::sent);
  CHECK(first.requests == 1);
  CHECK(first.sent == 0);
  CHECK(lane.uplink.sent.empty());
  lane.step();
  CHECK(lane.uplink.asked_capabilities == 1);
  CHECK(lane.uplink.sent.at(0).ids.size() == 30);
  CHECK(lane.uplink.sent.at(0).gzip);

  lane.clock.advance(24h - 1ms);
  lane.step();
  CHECK(lane.uplink.asked_capabilities == 1);
  lane.queue.add(1);
  lane.clock.advance(1ms);
  lane.step();
  CHECK(lane.uplink.asked_capabilities == 2);
}

TEST_CASE("a service without capabilities gets the defaults, and is asked again a day later") {
  for (const Verdict verdict : {Verdict::misconfigured, Verdict::unauthorized, Verdict::bad_record}) {
    Lane lane;
    lane.queue.state.capabilities_at.reset();
    lane.queue.add(30);
    lane.uplink.told_reply.verdict = verdict;
    CHECK(lane.drain().step == Step::idle);
    CHECK(lane.uplink.asked_capabilities == 1);
    CHECK(lane.uplink.sent.at(0).ids.size() == 20);
    CHECK(!lane.uplink.sent.at(0).gzip);
    CHECK(lane.queue.delivered.size() == 30);
  }
}

TEST_CASE("when nobody answers the question for capabilities, no batch is sent") {
  Lane lane;
  lane.queue.state.capabilities_at.reset();
  lane.queue.add(1);
  lane.uplink.told_reply = {.verdict = Verdict::retry, .message = "no connection", .unreachable = true};
  const StepReport report = lane.step();
  CHECK(report.step == Step::failed);
  CHECK(report.unreachable);
  CHECK(lane.uplink.sent.empty());
  CHECK(lane.queue.state.circuit == Circuit::open);
  CHECK(!lane.queue.state.capabilities_at);
}

TEST_CASE("a failure opens the circuit for all who share the store, and backs off longer each time") {
  Lane lane;
  lane.queue.add(3);
  lane.uplink.on_batch =
      ScriptedUplink::always({.verdict = Verdict::retry, .message = "HTTP 500", .unreachable = true});
  for (int n = 0; n < 14; ++n) {
    const StepReport report = lane.step();
    CHECK(report.step == Step::failed);
    CHECK(report.verdict == Verdict::retry);
    CHECK(report.unreachable);
    CHECK(report.error == "HTTP 500");
    CHECK(report.wake <= std::min<Millis>(15min, 1s * (1 << n)));
    CHECK(lane.queue.state.circuit == Circuit::open);
    CHECK(lane.queue.state.failures == n + 1);
    CHECK(lane.queue.state.not_before == lane.clock.now() + report.wake);
    CHECK(lane.queue.owner == 0);
    lane.clock.advance(report.wake);
  }
  CHECK(lane.queue.waiting.size() == 3);
  CHECK(lane.queue.waiting.at(1).attempts == 14);
}

TEST_CASE("during back-off the background sends nothing, a person does") {
  Lane lane;
  lane.queue.add(1);
  lane.queue.state.circuit = Circuit::open;
  lane.queue.state.failures = 2;
  lane.queue.state.not_before = lane.clock.now() + 3s;
  lane.queue.state.last_error = "HTTP 500";
  const StepReport waiting = lane.step();
  CHECK(waiting.step == Step::waiting);
  CHECK(waiting.wake == 3s);
  CHECK(waiting.error == "HTTP 500");
  CHECK(lane.uplink.sent.empty());
  CHECK(lane.step(Asked::by_person).step == Step::sent);
  CHECK(lane.queue.delivered.size() == 1);
}

TEST_CASE("nobody sends before a Retry-After") {
  Lane lane;
  lane.queue.add(1);
  lane.uplink.on_batch = ScriptedUplink::always(
      {.verdict = Verdict::retry, .message = "HTTP 429", .retry_after = 30s, .rate_limited = true});
  const StepReport report = lane.step();
  CHECK(report.rate_limited);
  CHECK(report.wake >= 30s);
  lane.uplink.on_batch = ScriptedUplink::accept_all;
  lane.clock.advance(29'999ms);
  CHECK(lane.step(Asked::by_person).step == Step::waiting);
  CHECK(lane.step().step == Step::waiting);
  CHECK(lane.uplink.sent.size() == 1);
  lane.clock.advance(1ms);
  CHECK(lane.step(Asked::by_person).step == Step::sent);
}

TEST_CASE("a Retry-After counts from the end of the request that brought it") {
  Lane lane;
  lane.queue.add(1);
  lane.uplink.on_batch =
      ScriptedUplink::always({.verdict = Verdict::retry, .message = "HTTP 503", .retry_after = 10s, .took = 25s});
  CHECK(lane.step().wake == 10s);
  CHECK(lane.queue.state.not_before == lane.clock.now() + 35s);
}

TEST_CASE("a Retry-After of years is taken for a day") {
  Lane lane;
  lane.queue.add(1);
  lane.uplink.on_batch = ScriptedUplink::always(
      {.verdict = Verdict::retry, .message = "HTTP 503", .retry_after = Millis(1'000'000'000'000)});
  CHECK(lane.step().wake == 24h);
}

TEST_CASE("a clock that jumps back does not stall the queue") {
  Lane lane;
  lane.queue.add(1);
  lane.queue.state.circuit = Circuit::open;
  lane.queue.state.not_before = lane.clock.now() + 10s;
  lane.clock.jump(-10 * 365 * 24h);
  CHECK(lane.drain().step == Step::idle);
  CHECK(lane.queue.delivered.size() == 1);
}

TEST_CASE("refused credentials and a wrong address pause the lane, and one record probes the way after that") {
  for (const Verdict verdict : {Verdict::unauthorized, Verdict::misconfigured}) {
    Lane lane;
    lane.queue.add(5);
    lane.uplink.on_batch = ScriptedUplink::always(reply_of(verdict, "HTTP 401"));
    const StepReport report = lane.step();
    CHECK(report.step == Step::failed);
    CHECK(report.verdict == verdict);
    CHECK(report.wake == 15min);
    CHECK(lane.queue.state.circuit == Circuit::paused);
    CHECK(lane.queue.waiting.size() == 5);

    lane.clock.advance(15min - 1ms);
    CHECK(lane.step().step == Step::waiting);
    CHECK(lane.uplink.sent.size() == 1);
    lane.clock.advance(1ms);
    lane.uplink.on_batch = ScriptedUplink::accept_all;
    lane.step();
    CHECK(lane.uplink.sent.back().ids.size() == 1);
    lane.step();
    CHECK(lane.uplink.sent.back().ids.size() == 4);
    CHECK(lane.queue.state.circuit == Circuit::closed);
  }
}

TEST_CASE("a person's sync ends a pause") {
  Lane lane;
  lane.queue.add(1);
  lane.queue.state.circuit = Circuit::paused;
  lane.queue.state.not_before = lane.clock.now() + 15min;
  CHECK(lane.step().step == Step::waiting);
  CHECK(lane.step(Asked::by_person).step == Step::sent);
  CHECK(lane.queue.delivered.size() == 1);
}

TEST_CASE("after five failures in a row one record probes the way") {
  Lane lane;
  lane.queue.add(8);
  lane.queue.state.circuit = Circuit::open;
  lane.queue.state.failures = 4;
  lane.uplink.on_batch = ScriptedUplink::always(reply_of(Verdict::retry));
  lane.clock.advance(lane.step().wake);
  CHECK(lane.uplink.sent.back().ids.size() == 8);
  lane.step();
  CHECK(lane.uplink.sent.back().ids.size() == 1);
}

TEST_CASE("a body that is too large is halved until it fits, and the learnt size is kept") {
  Lane lane;
  lane.queue.add(40);
  lane.queue.state.max_records = 40;
  lane.uplink.on_batch = [](const Batch& batch) {
    return batch.records.size() > 5 ? reply_of(Verdict::too_large, "HTTP 413") : ScriptedUplink::accept_all(batch);
  };
  CHECK(lane.drain().step == Step::idle);
  CHECK(lane.queue.delivered.size() == 40);
  CHECK(lane.queue.state.learnt_records == 5);
  CHECK(lane.uplink.sent.size() == 3 + 8);
}

TEST_CASE("a single record that is too large is set aside") {
  Lane lane;
  lane.queue.add(3);
  lane.uplink.on_batch = [](const Batch& batch) {
    for (const Waiting& record : batch.records)
      if (record.id == "r2") return reply_of(Verdict::too_large, "HTTP 413: too large");
    return ScriptedUplink::accept_all(batch);
  };
  CHECK(lane.drain().step == Step::idle);
  CHECK(lane.queue.delivered == std::vector<std::string>{"r1", "r3"});
  CHECK(lane.queue.set_aside.at("r2") == "HTTP 413: too large");
}

TEST_CASE("a service that cannot read gzip gets plain bodies from then on") {
  Lane lane;
  lane.queue.add(30);
  lane.queue.state.gzip = true;
  lane.uplink.on_batch = [](const Batch& batch) {
    return batch.gzip ? reply_of(Verdict::plain, "HTTP 415") : ScriptedUplink::accept_all(batch);
  };
  CHECK(lane.drain().step == Step::idle);
  CHECK(lane.uplink.sent.size() == 3);
  CHECK(!lane.queue.state.gzip);
  CHECK(lane.queue.delivered.size() == 30);
}

TEST_CASE("a service that refuses even plain bodies as compressed is backed off from") {
  Lane lane;
  lane.queue.add(1);
  lane.uplink.on_batch = ScriptedUplink::always(reply_of(Verdict::plain, "HTTP 415"));
  CHECK(lane.step().step == Step::failed);
  CHECK(lane.queue.state.circuit == Circuit::open);
}

TEST_CASE("one bad record in a batch: exactly it is set aside, at the price of at most log2 n requests") {
  // Extra requests are those that delivered nothing, the first refused one not counted. Every other request delivered
  // records, as without the bad one.
  for (int n = 2; n <= 64; ++n) {
    for (int bad = 1; bad <= n; ++bad) {
      Lane lane;
      lane.queue.add(n);
      lane.queue.state.max_records = 64;
      const std::string id = "r" + std::to_string(bad);
      lane.uplink.on_batch = ScriptedUplink::refuse({id});
      REQUIRE(lane.drain().step == Step::idle);
      REQUIRE(lane.queue.waiting.empty());
      REQUIRE(lane.queue.delivered.size() == static_cast<std::size_t>(n - 1));
      REQUIRE(lane.queue.set_aside.size() == 1);
      REQUIRE(lane.queue.set_aside.contains(id));
      const auto fruitless = std::ranges::count_if(lane.uplink.sent, [&id](const ScriptedUplink::Sent& sent) {
        return std::ranges::find(sent.ids, id) != sent.ids.end();
      });
      const auto total = static_cast<int>(lane.uplink.sent.size());
      INFO("n " << n << ", bad " << bad << ", requests " << total);
      REQUIRE(fruitless - 1 <= ceil_log2(n));
      REQUIRE(total <= 1 + ceil_log2(n) + 2);  // the confirmation alone, and the rest
      REQUIRE(lane.queue.state.circuit == Circuit::closed);
    }
  }
}

TEST_CASE("several bad records are each set aside, the others delivered") {
  Lane lane;
  lane.queue.add(200);
  lane.queue.state.max_records = 100;
  const std::set<std::string> bad = {"r1", "r2", "r3", "r50", "r99", "r100", "r101", "r150", "r200"};
  lane.uplink.on_batch = ScriptedUplink::refuse(bad);
  CHECK(lane.drain(200).step == Step::idle);
  CHECK(lane.queue.delivered.size() == 200 - bad.size());
  CHECK(lane.queue.set_aside.size() == bad.size());
  for (const std::string& id : bad) CHECK(lane.queue.set_aside.contains(id));
}

TEST_CASE("records that are bad only together are all delivered") {
  Lane lane;
  lane.queue.add(16);
  lane.uplink.on_batch = [](const Batch& batch) {
    const auto has = [&batch](std::string_view id) {
      return std::ranges::any_of(batch.records, [id](const Waiting& record) { return record.id == id; });
    };
    return has("r3") && has("r12") ? reply_of(Verdict::bad_record, "HTTP 422") : ScriptedUplink::accept_all(batch);
  };
  CHECK(lane.drain(100).step == Step::idle);
  CHECK(lane.queue.delivered.size() == 16);
  CHECK(lane.queue.set_aside.empty());
}

TEST_CASE("a service that refuses everything empties no queue: the lane pauses") {
  for (const int n : {1, 2, 3, 20, 64}) {
    Lane lane;
    lane.queue.add(n);
    lane.queue.state.max_records = 64;
    lane.uplink.on_batch = ScriptedUplink::always(reply_of(Verdict::bad_record, "HTTP 400: no"));
    for (int round = 0; round < 3; ++round) {
      const std::size_t before = lane.uplink.sent.size();
      const StepReport report = lane.drain();
      CHECK(report.step == Step::failed);
      CHECK(report.verdict == Verdict::misconfigured);
      CHECK(report.wake == 15min);
      CHECK(report.error == "the service refuses every record of a batch: HTTP 400: no");
      CHECK(lane.queue.state.circuit == Circuit::paused);
      CHECK(lane.queue.set_aside.empty());
      CHECK(lane.queue.waiting.size() == static_cast<std::size_t>(n));
      CHECK(lane.uplink.sent.size() - before <= static_cast<std::size_t>(3 + ceil_log2(n) + std::min(n, 20)));
      lane.clock.advance(report.wake);
    }
    lane.uplink.on_batch = ScriptedUplink::accept_all;
    CHECK(lane.drain().step == Step::idle);
    CHECK(lane.queue.delivered.size() == static_cast<std::size_t>(n));
  }
}

TEST_CASE("bad records at the head do not hold up the good ones behind them") {
  for (int bad = 1; bad <= 19; ++bad) {
    Lane lane;
    lane.queue.add(20);
    std::set<std::string> ids;
    for (int i = 1; i <= bad; ++i) ids.insert("r" + std::to_string(i));
    lane.uplink.on_batch = ScriptedUplink::refuse(ids);
    CHECK(lane.drain(500).step == Step::idle);
    CHECK(lane.queue.delivered.size() == static_cast<std::size_t>(20 - bad));
    CHECK(lane.queue.set_aside.size() == static_cast<std::size_t>(bad));
  }
}

TEST_CASE("after a pause a bad record at the head is found, although it goes ahead as the probe") {
  Lane lane;
  lane.queue.add(4);
  lane.queue.state.circuit = Circuit::paused;
  lane.queue.state.not_before = lane.clock.now();
  lane.uplink.on_batch = ScriptedUplink::refuse({"r1"});
  CHECK(lane.drain(20).step == Step::idle);
  CHECK(lane.queue.set_aside.size() == 1);
  CHECK(lane.queue.delivered.size() == 3);
}

TEST_CASE("a search for a bad record goes on where it was after a back-off") {
  Lane lane;
  lane.queue.add(16);
  int requests = 0;
  const auto refuse = ScriptedUplink::refuse({"r11"});
  lane.uplink.on_batch = [&](const Batch& batch) {
    return ++requests % 2 == 0 ? Reply{.verdict = Verdict::retry, .message = "HTTP 429", .rate_limited = true}
                               : refuse(batch);
  };
  lane.drain_patiently(40);
  CHECK(lane.queue.waiting.empty());
  CHECK(lane.queue.set_aside.size() == 1);
  CHECK(lane.queue.delivered.size() == 15);
  CHECK(requests <= 2 * (1 + 4 + 2));
}

TEST_CASE("a receipt that takes nothing backs off") {
  Lane lane;
  lane.queue.add(2);
  lane.uplink.on_batch = [](const Batch& batch) { return ScriptedUplink::receipt(batch, RecordVerdict::retry); };
  const StepReport report = lane.step();
  CHECK(report.step == Step::failed);
  CHECK(report.verdict == Verdict::retry);
  CHECK(!report.error.empty());
  CHECK(lane.queue.state.circuit == Circuit::open);
  CHECK(lane.queue.waiting.size() == 2);
}

TEST_CASE("records that the service wants later do not hold up the others, and are not sent in a loop") {
  Lane lane;
  lane.queue.add(100);
  bool upgraded = false;
  lane.uplink.on_batch = [&upgraded](const Batch& batch) {
    Reply reply{.verdict = Verdict::receipt};
    for (const Waiting& record : batch.records)
      reply.outcomes.push_back(
          {record.id, record.place <= 25 && !upgraded ? RecordVerdict::retry : RecordVerdict::accepted, ""});
    return reply;
  };
  lane.drain_patiently(30);
  CHECK(lane.queue.delivered.size() == 75);
  CHECK(lane.queue.waiting.size() == 25);
  CHECK(lane.uplink.sent.size() < 5 + 2 * 30);

  const std::size_t requests = lane.uplink.sent.size();
  for (int minute = 0; minute < 24 * 60; ++minute) {
    lane.drain();
    lane.clock.advance(1min);
  }
  CHECK(lane.uplink.sent.size() - requests < 24 * 60 / 2);

  lane.queue.add(1);  // news goes out although the others wait
  lane.drain_patiently(3);
  CHECK(lane.queue.delivered.size() == 76);

  upgraded = true;
  lane.clock.advance(15min);
  lane.drain_patiently(3);
  CHECK(lane.queue.waiting.empty());
}

TEST_CASE("records that are wanted later do not wait for a clock that was set back") {
  Lane lane;
  lane.queue.add(2);
  lane.uplink.on_batch = [](const Batch& batch) {
    Reply reply{.verdict = Verdict::receipt};
    for (const Waiting& record : batch.records)
      reply.outcomes.push_back({record.id, record.id == "r1" ? RecordVerdict::retry : RecordVerdict::accepted, ""});
    return reply;
  };
  CHECK(lane.drain().step == Step::waiting);
  lane.clock.jump(-10 * 365 * 24h);
  lane.queue.state.capabilities_at = lane.clock.now();
  lane.uplink.on_batch = ScriptedUplink::accept_all;
  const StepReport report = lane.drain();
  CHECK(report.wake <= 15min);
  lane.clock.advance(report.wake);
  lane.drain();
  CHECK(lane.queue.waiting.empty());
}

TEST_CASE("whatever a service answers, for a day: nobody is asked in a loop") {
  std::vector<Reply> answers;
  for (const Verdict verdict : {Verdict::receipt, Verdict::retry, Verdict::too_large, Verdict::bad_record,
                                Verdict::plain, Verdict::unauthorized, Verdict::misconfigured})
    for (const std::optional<Millis> after : {std::optional<Millis>(), std::optional<Millis>(0ms)})
      answers.push_back({.verdict = verdict, .message = "no", .retry_after = after});
  for (const Reply& answer : answers) {
    Lane lane;
    lane.queue.add(200);
    lane.uplink.on_batch = ScriptedUplink::always(answer);
    std::vector<WallTime> sent;
    const WallTime end = lane.clock.now() + 24h;
    while (lane.clock.now() < end && !lane.queue.waiting.empty()) {
      const StepReport report = lane.step();
      for (int i = 0; i < report.requests; ++i) sent.push_back(lane.clock.now());
      lane.clock.advance(report.step == Step::sent ? 1ms : std::max<Millis>(report.wake, 1ms));
    }
    if (answer.verdict == Verdict::too_large) continue;  // each record alone is too large: the queue is empty soon
    INFO("verdict " << static_cast<int>(answer.verdict));
    CHECK(lane.queue.waiting.size() == 200);
    CHECK(sent.size() < 3000);
    for (std::size_t i = 40; i < sent.size(); ++i) REQUIRE(sent[i] - sent[i - 40] > 1min);
  }
}

TEST_CASE("two engines on one store: one sends, the other waits until it is given up") {
  Lane lane;
  lane.queue.add(25);
  test::MemoryOutbox second_outbox(lane.queue, 2);
  Engine second(second_outbox, lane.uplink, lane.entropy, lane.policy);
  CHECK(lane.step().step == Step::sent);
  auto report = second.step(lane.clock.now());
  REQUIRE(report.ok());
  CHECK(report->step == Step::taken);
  CHECK(report->requests == 0);
  CHECK(report->wake == 5s);

  SUBCASE("by finish()") { CHECK(lane.engine().finish().ok()); }
  SUBCASE("by its death") { lane.queue.dead.insert(1); }
  SUBCASE("by the end of its time") { lane.clock.advance(kLeaseTime); }
  report = second.step(lane.clock.now());
  REQUIRE(report.ok());
  CHECK(report->step == Step::sent);
  CHECK(lane.queue.delivered.size() == 25);
}

TEST_CASE("an engine whose lease ran out in another's favour stops") {
  Lane lane;
  lane.queue.add(60);
  lane.step();
  lane.clock.advance(kLeaseTime);
  test::MemoryOutbox second_outbox(lane.queue, 2);
  Engine second(second_outbox, lane.uplink, lane.entropy, lane.policy);
  REQUIRE(second.step(lane.clock.now()).ok());
  CHECK(lane.step().step == Step::taken);
  REQUIRE(second.finish().ok());
  CHECK(lane.drain().step == Step::idle);
  CHECK(lane.queue.delivered.size() == 60);
}

TEST_CASE("after a batch during which somebody recorded, the sender rests") {
  Lane lane;
  lane.queue.add(100);
  Millis took{30};
  bool recorded = false;
  lane.uplink.on_batch = [&](const Batch& batch) {
    if (recorded) lane.queue.add(1);
    Reply reply = ScriptedUplink::accept_all(batch);
    reply.took = took;
    return reply;
  };
  CHECK(lane.step().wake == 0ms);
  CHECK(lane.step().wake == 0ms);
  recorded = true;
  CHECK(lane.step().wake == kRest * took);
  took = 20s;
  CHECK(lane.step().wake == kRestMost);
  recorded = false;
  CHECK(lane.step().wake == 0ms);
}

TEST_CASE("a batch that the queue ended, and not a limit, is the last for now") {
  struct Row {
    int waiting;
    std::size_t bytes;  // of each
    int steps;
  };
  for (const Row& row : {Row{1, 0, 1}, Row{19, 0, 1}, Row{20, 0, 2}, Row{45, 0, 3}, Row{3, 1200, 1}, Row{8, 1200, 2}}) {
    Lane lane;
    lane.queue.state.max_body_bytes = 10'000;
    lane.queue.add(row.waiting, 1, row.bytes);
    int steps = 1;
    for (StepReport report = lane.step(); report.step == Step::sent && !report.last; report = lane.step()) ++steps;
    CHECK(steps == row.steps);
  }
}

TEST_CASE("records that the service wants later make no batch the last") {
  Lane lane;
  lane.queue.add(3);
  lane.uplink.on_batch = [](const Batch& batch) {
    Reply reply = ScriptedUplink::accept_all(batch);
    reply.outcomes[0].verdict = RecordVerdict::retry;
    return reply;
  };
  CHECK_FALSE(lane.step().last);
}

TEST_CASE("an engine with nothing to send holds no lease") {
  Lane lane;
  lane.queue.add(1);
  lane.step();
  CHECK(lane.queue.owner == 1);
  CHECK(lane.step().step == Step::idle);
  CHECK(lane.queue.owner == 0);
}

TEST_CASE("every attempt has a batch id of its own") {
  Lane lane;
  lane.queue.add(1);
  lane.uplink.on_batch = ScriptedUplink::always(reply_of(Verdict::retry));
  lane.clock.advance(lane.step().wake);
  lane.step();
  CHECK(is_uuid(lane.uplink.sent.at(0).batch_id));
  CHECK(lane.uplink.sent.at(0).batch_id != lane.uplink.sent.at(1).batch_id);
}
