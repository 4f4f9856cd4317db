#include "fortium/sync/engine.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "backoff.h"

namespace fortium::sync {

namespace {

bool is_old(const std::optional<WallTime>& at, WallTime now) {
  return !at || now - *at >= kCapabilitiesAge || *at - now >= kCapabilitiesAge;
}

bool needs_probe(const LaneState& state) { return state.circuit == Circuit::paused || state.failures >= kProbeAfter; }

void note_limits(LaneState& state, std::int64_t max_records, std::int64_t max_body_bytes) {
  if (max_records > 0) state.max_records = max_records;
  if (max_body_bytes > 0) state.max_body_bytes = max_body_bytes;
}

StepReport failure(const Reply& reply, Millis wake) {
  return {.step = Step::failed,
          .wake = wake,
          .requests = 1,
          .verdict = reply.verdict,
          .unreachable = reply.unreachable,
          .rate_limited = reply.rate_limited,
          .error = reply.message};
}

StepReport more(Verdict verdict) { return {.step = Step::sent, .requests = 1, .verdict = verdict}; }

// Whether the limits, and not the queue, ended it. One record is much less than half of the bytes.
bool is_full(std::span<const Waiting> rows, const BatchLimits& limits) {
  std::int64_t bytes = 0;
  for (const Waiting& row : rows) bytes += static_cast<std::int64_t>(row.wire.size());
  return static_cast<std::int64_t>(rows.size()) >= limits.records || bytes >= limits.bytes / 2;
}

// What a receipt says of a batch, row by row.
struct Sorted {
  std::vector<Outcome> outcomes;
  std::vector<std::int64_t> later;
  StepReport counts = more(Verdict::receipt);
};

Sorted sort_out(std::span<const Waiting> rows, std::span<const RecordOutcome> lines) {
  std::unordered_map<std::string_view, const RecordOutcome*> by_id;
  for (const RecordOutcome& line : lines) by_id.emplace(line.id, &line);
  Sorted sorted;
  sorted.counts.sent = static_cast<std::int64_t>(rows.size());
  for (const Waiting& row : rows) {
    const auto line = by_id.find(row.id);
    Outcome outcome{row.place, Fate::later, ""};
    switch (line == by_id.end() ? RecordVerdict::retry : line->second->verdict) {
      case RecordVerdict::accepted:
        outcome.fate = Fate::delivered;
        ++sorted.counts.accepted;
        break;
      case RecordVerdict::duplicate:
        outcome.fate = Fate::delivered;
        ++sorted.counts.duplicates;
        break;
      case RecordVerdict::rejected:
        outcome.fate = Fate::refused;
        outcome.reason = line->second->reason;
        ++sorted.counts.rejected;
        break;
      case RecordVerdict::retry: sorted.later.push_back(row.place); break;
    }
    sorted.outcomes.push_back(std::move(outcome));
  }
  return sorted;
}

}  // namespace

Engine::Engine(Outbox& outbox, Uplink& uplink, Entropy& entropy, Policy policy)
    : outbox_(outbox), uplink_(uplink), entropy_(entropy), policy_(policy) {}

Result<StepReport> Engine::step(WallTime now, Asked asked) {
  const bool held = leased_;
  for (bool sure = false;; sure = true) {
    FM_TRY(LaneState state, outbox_.state());
    const bool at_once = asked == Asked::by_person && !state.retry_after;
    const Millis left = at_once ? Millis(0) : time_left(state, now);
    if (left > Millis(0))
      return rest({.step = Step::waiting, .wake = left, .rate_limited = state.retry_after, .error = state.last_error});

    FM_TRY(const std::vector<Waiting> rows, next_rows(state, now));
    if (rows.empty()) return nothing_to_send(state, now);
    if (!sure) {
      FM_TRY(leased_, outbox_.lease(now, now + kLeaseTime));
      if (!leased_) return StepReport{.step = Step::taken, .wake = policy_.interval};
      if (!held) continue;  // until the lease was ours, another process may have sent these very rows
    }
    if (!hunt_ && is_old(state.capabilities_at, now)) return learn(std::move(state), now);
    return send(std::move(state), rows, now);
  }
}

Result<void> Engine::finish() {
  if (!std::exchange(leased_, false)) return {};
  return outbox_.release();
}

// Whoever does not send holds no lease: another process may have news sooner than we do.
Result<StepReport> Engine::rest(StepReport report) {
  FM_TRY_(finish());
  return report;
}

BatchLimits Engine::limits(const LaneState& state) const {
  std::int64_t records = kMostBatch;
  if (policy_.batch_size <= 0 && state.max_records <= 0) records = kDefaultBatch;
  for (const std::int64_t limit : {policy_.batch_size, state.max_records, state.learnt_records})
    if (limit > 0) records = std::min(records, limit);
  if (needs_probe(state)) records = 1;
  std::int64_t bytes = kDefaultBodyBytes;
  if (state.max_body_bytes > 0) bytes = std::min(bytes, state.max_body_bytes);
  return {records, std::max<std::int64_t>(1, bytes - kEnvelopeBytes - records)};  // a comma goes with each record
}

Result<std::vector<Waiting>> Engine::next_rows(const LaneState& state, WallTime now) {
  if (hunt_) {
    FM_TRY(std::vector<Waiting> rows, hunted(state));
    if (!rows.empty() || (!hunt_->taken && !hunt_->alone.empty())) return rows;
    if (!hunt_->deferred.empty()) passed_ = std::max(passed_, hunt_->last);
    hunt_.reset();
  }
  FM_TRY(std::vector<Waiting> rows, outbox_.peek(limits(state), passed_));
  if (!rows.empty() || passed_ == 0 || until_recheck(now) > Millis(0)) return rows;
  passed_ = 0;
  return outbox_.peek(limits(state));
}

// The next request of a hunt: half of the suspects; without suspects all others at once; and when these were refused
// too, one of them.
Result<std::vector<Waiting>> Engine::hunted(const LaneState& state) {
  FM_TRY(std::vector<Waiting> rows, outbox_.peek(hunt_->limits, hunt_->after));
  std::erase_if(rows, [this](const Waiting& row) {
    const auto is_this = [&row](const Outcome& outcome) { return outcome.place == row.place; };
    return row.place > hunt_->last || std::ranges::any_of(hunt_->alone, is_this) ||
           std::ranges::find(hunt_->deferred, row.place) != hunt_->deferred.end();
  });
  if (rows.empty()) return rows;
  const auto suspects =
      std::ranges::count_if(rows, [this](const Waiting& row) { return row.place <= hunt_->suspect_last; });
  if (suspects > 0) {
    rows.resize(static_cast<std::size_t>((suspects + 1) / 2));
  } else if (hunt_->rest_refused && hunt_->alone.size() >= kMostTrials) {
    rows.clear();
  } else if (hunt_->rest_refused) {
    const auto pick = static_cast<std::size_t>(uniform(static_cast<std::int64_t>(rows.size()) - 1, entropy_));
    rows = {rows[pick]};
  }
  const auto most = static_cast<std::size_t>(limits(state).records);
  if (rows.size() > most) rows.resize(most);
  return rows;
}

Result<StepReport> Engine::nothing_to_send(const LaneState& state, WallTime now) {
  if (hunt_) {
    const std::string reason = hunt_->alone.back().reason;
    hunt_.reset();
    FM_TRY(StepReport report, pause(state,
                                    {.verdict = Verdict::misconfigured,
                                     .message = "the service refuses every record of a batch: " + reason},
                                    now));
    report.requests = 0;
    return report;
  }
  if (passed_ == 0) return rest({.step = Step::idle, .wake = policy_.interval});
  return rest({.step = Step::waiting,
               .wake = std::max(until_recheck(now), Millis(1)),
               .error = "the service asks to send some records later"});
}

Result<StepReport> Engine::learn(LaneState state, WallTime now) {
  Reply reply;
  const std::optional<Capabilities> told = uplink_.capabilities(reply);
  if (!told && reply.verdict == Verdict::retry) return back_off(std::move(state), reply, now);
  state.capabilities_at = now;
  if (told) {
    note_limits(state, told->max_records, told->max_body_bytes);
    state.gzip = told->gzip;
    state.learnt_records = 0;  // what is told anew may be better than what was learnt
  }
  FM_TRY_(outbox_.save(state));
  return more(Verdict::receipt);
}

Result<StepReport> Engine::send(LaneState state, std::span<const Waiting> rows, WallTime now) {
  const Batch batch{uuid7(now, entropy_), rows, state.gzip};
  const Reply reply = uplink_.send(batch);
  if (reply.verdict == Verdict::receipt) return settle_receipt(std::move(state), rows, reply, now);

  FM_TRY_(postpone(rows, now));
  switch (reply.verdict) {
    case Verdict::receipt: break;
    case Verdict::bad_record: return narrow(std::move(state), rows, reply, now);
    case Verdict::too_large: return halve(std::move(state), rows, reply, now);
    case Verdict::unauthorized:
    case Verdict::misconfigured: return pause(std::move(state), reply, now);
    case Verdict::plain:
      if (!batch.gzip) break;
      state.gzip = false;  // until the service is asked for its capabilities again
      FM_TRY_(outbox_.save(state));
      return more(Verdict::plain);
    case Verdict::retry: break;
  }
  return back_off(std::move(state), reply, now);
}

Result<void> Engine::postpone(std::span<const Waiting> rows, WallTime now) {
  std::vector<Outcome> outcomes;
  for (const Waiting& row : rows) outcomes.push_back({row.place, Fate::later, ""});
  return outbox_.settle(outcomes, now);
}

Result<StepReport> Engine::settle_receipt(LaneState state, std::span<const Waiting> rows, const Reply& reply,
                                          WallTime now) {
  Sorted sorted = sort_out(rows, reply.outcomes);
  StepReport& report = sorted.counts;
  report.last = !hunt_ && passed_ == 0 && sorted.later.empty() && !is_full(rows, limits(state));
  FM_TRY(const bool others, outbox_.others_wrote());
  if (others) report.wake = std::min(kRest * reply.took, kRestMost);
  if (hunt_ && report.accepted + report.duplicates > 0) {
    hunt_->taken = true;
    hunt_->rest_refused = false;
    report.sent += static_cast<std::int64_t>(hunt_->alone.size());
    report.rejected += static_cast<std::int64_t>(hunt_->alone.size());
    sorted.outcomes.insert(sorted.outcomes.end(), hunt_->alone.begin(), hunt_->alone.end());
    hunt_->alone.clear();
  }
  FM_TRY_(outbox_.settle(sorted.outcomes, now));
  defer(sorted.later, rows, now);
  note_limits(state, reply.max_records, reply.max_body_bytes);

  if (report.accepted + report.duplicates + report.rejected == 0) {
    Reply nothing = reply;
    nothing.verdict = Verdict::retry;
    if (nothing.message.empty()) nothing.message = "the service took none of the records and asks to send them later";
    state.failures = std::min(state.failures, kProbeAfter - 2);  // somebody answers: nothing there to probe
    FM_TRY(StepReport failed, back_off(std::move(state), nothing, now));
    failed.sent = report.sent;
    return failed;
  }
  state.circuit = Circuit::closed;
  state.failures = 0;
  state.not_before.reset();
  state.retry_after = false;
  state.last_error.clear();
  state.last_success = now + reply.took;
  FM_TRY_(outbox_.save(state));
  return std::move(report);
}

void Engine::defer(std::span<const std::int64_t> places, std::span<const Waiting> rows, WallTime now) {
  if (places.empty()) {
    if (passed_ == 0 && !hunt_) deferrals_ = 0;
    return;
  }
  recheck_at_ = now + jitter(++deferrals_, entropy_);
  if (hunt_)
    hunt_->deferred.insert(hunt_->deferred.end(), places.begin(), places.end());
  else
    passed_ = rows.back().place;
}

// As for what is kept (time_left): a moment that nobody can have meant is the trace of a clock that was set back.
Millis Engine::until_recheck(WallTime now) const {
  const Millis left = recheck_at_ - now;
  return left > Millis(0) && left <= kBackoffMost ? left : Millis(0);
}

Result<StepReport> Engine::narrow(LaneState state, std::span<const Waiting> rows, const Reply& reply, WallTime now) {
  StepReport report = more(Verdict::bad_record);
  report.error = reply.message;
  if (!hunt_ && needs_probe(state)) {  // one record says nothing, but somebody judges records again
    state.circuit = Circuit::closed;
    state.failures = 0;
    state.not_before.reset();
    state.retry_after = false;
    FM_TRY_(outbox_.save(state));
    return report;
  }
  const std::int64_t last = rows.back().place;
  if (!hunt_) hunt_ = Hunt{.limits = limits(state), .after = passed_, .last = last, .suspect_last = last};
  if (rows.size() > 1) {
    // Half of the suspects hold it; or, all suspects being found, the others hold another one.
    if (hunt_->suspect_last > 0 || hunt_->taken)
      hunt_->suspect_last = last;
    else
      hunt_->rest_refused = true;
    return report;
  }
  hunt_->suspect_last = 0;
  Outcome alone{last, Fate::refused, reply.message};
  if (hunt_->taken) {
    FM_TRY_(outbox_.settle({&alone, 1}, now));
    report.sent = report.rejected = 1;
    return report;
  }
  hunt_->alone.push_back(std::move(alone));
  FM_TRY(const std::vector<Waiting> others, hunted(state));
  if (!others.empty()) return report;
  FM_TRY(StepReport paused, nothing_to_send(state, now));
  paused.requests = 1;
  return paused;
}

Result<StepReport> Engine::halve(LaneState state, std::span<const Waiting> rows, const Reply& reply, WallTime now) {
  StepReport report = more(Verdict::too_large);
  report.error = reply.message;
  if (rows.size() == 1) {
    const Outcome refused{rows.front().place, Fate::refused, reply.message};
    FM_TRY_(outbox_.settle({&refused, 1}, now));
    report.sent = report.rejected = 1;
    return report;
  }
  state.learnt_records = static_cast<std::int64_t>(rows.size() / 2);
  FM_TRY_(outbox_.save(state));
  return report;
}

Result<StepReport> Engine::back_off(LaneState state, const Reply& reply, WallTime now) {
  const Millis delay = delay_after(state.failures, reply.retry_after, entropy_);
  state.circuit = Circuit::open;
  state.failures = std::min(state.failures + 1, 1'000'000);
  state.not_before = now + reply.took + delay;
  state.retry_after = reply.retry_after.value_or(Millis(0)) > Millis(0);
  state.last_error = reply.message;
  FM_TRY_(outbox_.save(state));
  return rest(failure(reply, delay));
}

Result<StepReport> Engine::pause(LaneState state, const Reply& reply, WallTime now) {
  const Millis asked = std::clamp(reply.retry_after.value_or(Millis(0)), Millis(0), kRetryAfterMost);
  const Millis delay = std::max(kPause, asked);
  hunt_.reset();
  state.circuit = Circuit::paused;
  state.not_before = now + reply.took + delay;
  state.retry_after = asked > Millis(0);
  state.last_error = reply.message;
  FM_TRY_(outbox_.save(state));
  return rest(failure(reply, delay));
}

}  // namespace fortium::sync
