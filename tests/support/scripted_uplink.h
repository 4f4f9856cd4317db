// The other end, as a test wants it: remembers what was sent, and answers what it was told to. Not thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fortium/sync/uplink.h"

namespace fortium::test {

class ScriptedUplink final : public sync::Uplink {
 public:
  struct Sent {
    std::string batch_id;
    std::vector<std::string> ids;
    bool gzip = false;
  };

  // Answers to batches, until something else is assigned.
  std::function<sync::Reply(const sync::Batch&)> on_batch = accept_all;
  // Nothing: there is no such end point.
  std::optional<sync::Capabilities> told;
  sync::Reply told_reply{.verdict = sync::Verdict::misconfigured};

  std::vector<Sent> sent;
  int asked_capabilities = 0;

  sync::Reply send(const sync::Batch& batch) override {
    Sent request{batch.id, {}, batch.gzip};
    for (const sync::Waiting& record : batch.records) request.ids.push_back(record.id);
    sent.push_back(std::move(request));
    return on_batch(batch);
  }
  std::optional<sync::Capabilities> capabilities(sync::Reply& reply) override {
    ++asked_capabilities;
    reply = told ? sync::Reply{.verdict = sync::Verdict::receipt} : told_reply;
    return told;
  }

  // A receipt with the same word for each record.
  static sync::Reply receipt(const sync::Batch& batch, sync::RecordVerdict verdict, std::string reason = "") {
    sync::Reply reply{.verdict = sync::Verdict::receipt};
    for (const sync::Waiting& record : batch.records) reply.outcomes.push_back({record.id, verdict, reason});
    return reply;
  }
  static sync::Reply accept_all(const sync::Batch& batch) { return receipt(batch, sync::RecordVerdict::accepted); }
  // A service that refuses any batch with one of these in it, and takes every other.
  static std::function<sync::Reply(const sync::Batch&)> refuse(std::set<std::string> bad) {
    return [bad = std::move(bad)](const sync::Batch& batch) {
      for (const sync::Waiting& record : batch.records)
        if (bad.contains(record.id))
          return sync::Reply{.verdict = sync::Verdict::bad_record, .message = "HTTP 400: bad"};
      return accept_all(batch);
    };
  }
  static std::function<sync::Reply(const sync::Batch&)> always(sync::Reply reply) {
    return [reply = std::move(reply)](const sync::Batch&) { return reply; };
  }
};

}  // namespace fortium::test
