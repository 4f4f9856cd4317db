// A backlog on its way to the service: how fast it goes, what it holds meanwhile, and whether recording notices.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "measure.h"
#include "service.h"
#include "session.h"

namespace bench {

namespace {

using Json = nlohmann::json;

constexpr double kRecordsPerSecond = 20'000;
constexpr std::int64_t kBlock = 10'000;  // calls this program holds the answers of
constexpr Seconds kLongestOverlap{60};   // a drain that chases new records could go on for ever
constexpr int kPartlyDone = 6;           // exit status of `sync` when records were made while it drained

Command sync(const Bench& bench, const TempDir& dir, const Service& service) {
  return bench.ours(dir, {"sync", "--json", "--timeout", "300s"}, service.client_settings());
}

void record(Session& session, std::int64_t records) {
  for (std::int64_t left = records; left > 0; left -= kBlock) session.pipeline(std::min(left, kBlock));
}

Json report_of(const std::string& text) {
  Json report = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (report.is_object()) return report;
  throw Failure{"not a report: " + text.substr(0, 300)};
}

// The service's own count, through its ledger.
void check_arrived(const Bench& bench, const TempDir& dir, const Service& service, std::int64_t records) {
  const Json report = report_of(output_of(bench.ours(dir, {"verify", "--json"}, service.client_settings())));
  std::int64_t remote = 0;
  for (const Json& day : report.value("days", Json::array())) remote += day.value("remote", std::int64_t{0});
  if (remote == records && report.value("ok", false)) return;
  throw Failure{"the service counts " + std::to_string(remote) + " records, " + std::to_string(records) + " were made"};
}

Rows drain_alone(const Bench& bench) {
  const TempDir dir = bench.scratch();
  const Service service(bench, dir);
  const std::int64_t backlog = bench.effort().backlog;
  {
    Session session(bench.mcp(dir, service.client_settings()));
    record(session, backlog);
    session.finish();
  }
  const Finished finished = run(sync(bench, dir, service));
  const Json report = report_of(finished.output);
  if (finished.status != 0 || report.value("remaining", -1) != 0)
    throw Failure{"sync ended with " + std::to_string(finished.status) + ": " + finished.output.substr(0, 300)};
  check_arrived(bench, dir, service, backlog);

  const double sent = report.value("sent", 0.0);
  return {{.name = "drain: records a second, end to end",
           .unit = Unit::per_second,
           .ours = sent / finished.time.count(),
           .budget = at_least(kRecordsPerSecond),
           .note = std::to_string(static_cast<std::int64_t>(sent)) + " records, the process from spawn to end"},
          {.name = "drain: peak resident of sync", .unit = Unit::bytes, .ours = finished.peak_bytes}};
}

// Calls for as long as the drain runs; the same before and after it are what they are held against.
Rows record_meanwhile(const Bench& bench) {
  const TempDir dir = bench.scratch();
  const Service service(bench, dir);
  Session session(bench.mcp(dir, service.client_settings()));
  record(session, bench.effort().backlog);

  Samples quiet, meanwhile;
  const int half = bench.effort().rounds * bench.effort().calls_a_round / 4;
  const auto stay_quiet = [&] {
    for (int i = 0; i < half; ++i) quiet.add(session.call());
  };
  stay_quiet();
  int status = 0;
  {
    Child drain(sync(bench, dir, service));
    drain.close_input();
    const auto begin = Clock::now();
    do meanwhile.add(session.call());
    while (drain.running() && Clock::now() - begin < kLongestOverlap);
    status = drain.wait();
    if (status != 0 && status != kPartlyDone) throw drain.failure("sync ended with " + std::to_string(status));
  }
  stay_quiet();
  session.finish();
  output_of(sync(bench, dir, service));  // what was recorded meanwhile
  check_arrived(bench, dir, service, session.calls());

  const std::string note = "floor: the same without a drain; of " + std::to_string(meanwhile.size()) + " calls";
  return {{.name = "call while draining: p50",
           .ours = meanwhile.percentile(50),
           .floor = quiet.percentile(50),
           .budget = ratio_at_most(1.5),
           .note = note},
          {.name = "call while draining: p99",
           .ours = meanwhile.percentile(99),
           .floor = quiet.percentile(99),
           .budget = ratio_at_most(1.5),
           .note = note}};
}

}  // namespace

Rows measure_drain(const Bench& bench) {
  if (bench.programs().server.empty())
    return {{.name = "drain", .unit = Unit::per_second, .note = "no service: give its path with --server"}};
  Rows rows = drain_alone(bench);
  for (Row& row : record_meanwhile(bench)) rows.push_back(std::move(row));
  return rows;
}

}  // namespace bench
