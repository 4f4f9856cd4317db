// One transcript, line by line, as records. It knows neither files nor the store.
//
// The rule by which tokens are counted:
// - A request is known by the pair of message id and request id, wherever it stands. It counts once across blocks,
//   files, resumed and forked sessions, and belongs to the session that is read first, which is the oldest.
// - Of the lines of one message the largest usage counts, as older clients wrote placeholders first.
// - A message is complete, and recorded, when what is there has been read and one of its lines says why it stopped (its
//   usage is then final); a message that never says so, when kMostOpen newer ones have begun or its file has been
//   still. Records never change, so nothing is recorded earlier.
// - A replay in a side chain (the same message, with another request id) is what it replays: the sink is told which
//   records are of a side chain, and asks whether the message is known.
// - "<synthetic>" is the client's word about an error, and no usage.
//
// Turns, compactions and failed requests are changes of their session, under the names by which hooks know them; see
// the table in the README. What a fork copied of the session before it is older than its own first line, and is left to
// that.
//
// What was left open is carried over to the next reading as JSON. One instance belongs to one thread.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/json.h"
#include "fortium/metrics/event.h"
#include "line.h"
#include "prices.h"

namespace fortium::claude {

// A complete record, to be checked (schema::check_row).
struct Made {
  metrics::Event event;
  bool side = false;  // of a side chain: it may replay a message of its session
};

// How long a file was not written to: what is open when it is `still` is settled; when it is `ended`, so is its
// session.
enum class Rest { busy, still, ended };

constexpr std::size_t kMostOpen = 16;  // messages at once: subagents of older clients write between each other's lines

// Of one file, since it was first read.
struct TranscriptCounts {
  std::int64_t lines = 0;
  std::int64_t merged = 0;      // that repeated the usage of a message
  std::int64_t api_errors = 0;  // requests that failed

  TranscriptCounts operator-(const TranscriptCounts& other) const {
    return {lines - other.lines, merged - other.merged, api_errors - other.api_errors};
  }
};
// The client's own total of a session, as its transcript said it last.
struct ClientTotal {
  std::string session_id;
  double cost_usd = 0;
  Usage usage;
  double start_ms = 0;  // the same in a fork, whose total begins with that of its parent
};
// Of what carry() gave.
TranscriptCounts counts_in(const Json& carried);
std::optional<ClientTotal> total_in(const Json& carried);

class Transcript {
 public:
  // `main`: a session of its own, and not the transcript of a subagent. `carried`: what carry() gave; null at the
  // begin.
  Transcript(const Prices& prices, bool main, const Json& carried);

  void take(const Line& line, std::vector<Made>& out);
  // Every line, whatever is in it.
  void count_line() { ++counts_.lines; }
  // All that is there has been read.
  void rest(Rest how, std::vector<Made>& out);
  Json carry() const;
  // Its first line with a time was seen; until then lines count that say nothing else.
  bool begun() const { return !session_.empty(); }

  const TranscriptCounts& counts() const { return counts_; }
  // Models without a price, and how many of their requests were recorded.
  const std::map<std::string, std::int64_t>& unpriced() const { return unpriced_; }

 private:
  struct Message {
    std::string id, request_id, model, timestamp, session_id, prompt_id;
    Usage usage;
    bool stopped = false;
    bool sidechain = false;
  };
  struct Call {
    std::string name, agent, timestamp, session_id, prompt_id;
  };
  struct Turn {
    std::string prompt_id, started, last, status = "success", error;
    double duration_ms = -1;  // as the client says; below zero: it does not
    bool answered = false;
  };

  void begin(const Line& line, std::vector<Made>& out);
  void take_assistant(const Line& line, std::vector<Made>& out);
  void take_user(const Line& line, std::vector<Made>& out);
  void close_message(const Message& done, std::vector<Made>& out);
  void close_call(const std::string& id, const Call& call, std::string_view status, const ChangedLines& changed,
                  std::vector<Made>& out);
  void close_agent(const std::string& id, const Call& call, const std::string& tool_use_id, std::string_view status,
                   double duration_ms, std::vector<Made>& out);
  void take_turn(const Line& line, std::vector<Made>& out);
  void close_turn(std::vector<Made>& out);
  void close_compaction(const Line& line, std::vector<Made>& out);
  void take_error(const Line& line, std::vector<Made>& out);
  void end_session(std::vector<Made>& out);
  // A change of the session of a name that hooks give it, too.
  metrics::Event update(std::string_view key, std::string_view timestamp, std::string_view prompt,
                        const Json& context) const;
  // Of a kind, and with an id derived from this key.
  metrics::Event envelope(std::string_view kind, std::string_view key, std::string_view timestamp,
                          std::string_view session, std::string_view prompt) const;

  const Prices& prices_;
  const bool main_;
  std::string session_, first_, last_, project_, prompt_;
  std::vector<Message> messages_;       // open ones, oldest first
  std::map<std::string, Call> calls_;   // tool calls without a result, by their id
  std::map<std::string, Call> agents_;  // subagents that go on in the background
  Turn turn_;
  Json compaction_;  // one whose prompt is not known yet
  Json compacted_;   // the prompt of the last one, and how many it had
  Json cost_;        // the newest cost-state
  bool ended_ = false;
  TranscriptCounts counts_;
  std::map<std::string, std::int64_t> unpriced_;
};

}  // namespace fortium::claude
