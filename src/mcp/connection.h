// One connection: what was agreed on, what waits, and the way of a line to its answer. Private to mcp.
//
// connection.cpp has groups, commits and the order of what leaves; methods.cpp the table of methods and the two eras;
// calls.cpp tools, and what can happen while they work.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "completion.h"
#include "fortium/mcp/server.h"
#include "fortium/rpc/message.h"
#include "journal.h"
#include "lists.h"
#include "subscriptions.h"

namespace fortium::mcp {

class Connection {
 public:
  Connection(const Catalog& catalog, Context context, std::string_view version);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::vector<std::string> handle(std::span<const rpc::Line> lines);
  bool is_behind() const { return !waiting_.empty(); }
  std::vector<std::string> catch_up();
  std::vector<std::string> notices();
  std::optional<Millis> notices_in() const;
  bool hears(Severity severity) const;
  std::vector<std::string> log(Severity severity, std::string_view logger, std::string_view text);
  // `alone`: the connection is the request's own, so that its end needs no other word.
  std::vector<std::string> close(bool alone) { return subscriptions_.close(server_info_meta_, alone); }
  void use(Exchange exchange) { exchange_ = std::move(exchange); }
  std::optional<Revision> session() const { return session_; }
  std::optional<SessionState> session_state() const;
  void resume(const SessionState& state);

 private:
  // A request at work.
  struct Call {
    const rpc::Request& request;
    Revision revision;
    std::optional<Severity> log_least;  // what this client wants to hear, if anything
    const Json* progress_token = nullptr;
    std::int64_t progress = -1;  // told last
    std::optional<SteadyTime> progress_again;
    SteadyTime look_again{};
    bool cancelled = false;
  };
  // One answer. Where it acknowledges records that are not yet committed, `line` counts only if the commit succeeds.
  struct Answer {
    std::string line;
    rpc::IdText id;
    Revision revision = kOldest;
    bool awaits_commit = false;
  };
  // What one line leads to: notes, and then one answer, or those of a batch.
  struct Reply {
    std::vector<std::string> notes;
    std::vector<Answer> answers;
    bool batch = false;
  };
  struct Waiting {
    std::string text;
    std::int64_t dropped = 0;
  };
  static std::size_t size_of(const Waiting& line) { return line.text.size() + sizeof line; }
  using Handler = std::optional<Answer> (Connection::*)(Call&);
  struct Method {
    std::string_view name;
    Handler run;
    Revision first = kOldest;
    Revision last = kNewest;
    bool before_initialize = false;

    bool is_in(Revision revision) const { return first <= revision && revision <= last; }
  };
  static const Method kMethods[];

  // connection.cpp
  void handle_group(std::span<const rpc::Line> lines);
  void look_for_cancellations(std::span<const rpc::Line> lines);
  void reply_to(const rpc::Line& line);
  void reply_to_batch(Json&& messages);
  std::optional<Answer> answer(Json&& message, bool in_batch);
  void hear(rpc::Notification&& notification);
  void hear(rpc::Response&& response);
  void ask_for_roots();
  void say(std::string line);
  void release();
  Result<void> commit();

  // methods.cpp
  static const Method* find_method(std::string_view name);
  std::optional<Answer> dispatch(rpc::Request&& request, bool in_batch);
  std::optional<Answer> judge_meta(const rpc::Request& request, const Json& meta) const;
  std::optional<Answer> call_tool(Call& call);
  std::optional<Answer> ping(Call& call);
  std::optional<Answer> initialize(Call& call);
  std::optional<Answer> discover(Call& call);
  std::optional<Answer> set_level(Call& call);
  std::optional<Answer> complete(Call& call);
  template <List list>
  std::optional<Answer> list(Call& call);
  std::optional<Answer> read_resource(Call& call);
  std::optional<Answer> subscribe(Call& call);
  std::optional<Answer> unsubscribe(Call& call);
  std::optional<Answer> listen(Call& call);
  std::optional<Answer> get_prompt(Call& call);
  bool is_subscribable(std::string_view uri) const;
  void watch();

  // What a client may keep, and for how long; only where the revision has it.
  enum class Cache { none, everybody, this_client, stale };
  // `members` is the JSON text of the result's own members, without braces.
  Answer result(const Call& call, std::string_view members, Cache cache = Cache::none) const;
  std::string result_text(Revision revision, std::string_view members, Cache cache = Cache::none) const;
  Answer refuse(const Call& call, int code, std::string_view message, std::string_view data = "") const;
  Answer error(std::string_view id, int code, std::string_view message, std::string_view data = "") const;
  Answer not_found(const Call& call, std::string_view uri) const;

  // calls.cpp
  std::string tool_members(const CallResult& result, Revision revision) const;
  struct Progress {
    std::int64_t done, total;
    std::string_view message;
  };
  // Looks whether somebody still waits for the answer; what is not known to progress is not told.
  Result<void> pulse(std::optional<Progress> progress);
  void tell_progress(SteadyTime now, const Progress& progress);
  void overhear(const rpc::Line& line);
  void log_call(Severity severity, std::string_view logger, const Json& data);

  const Catalog& catalog_;
  Context context_;
  const std::string version_;
  const std::string server_info_meta_;
  std::unordered_map<std::string_view, const Tool*> tools_;
  Lists lists_;
  Completion completion_;
  Subscriptions subscriptions_;
  Journal journal_;
  Exchange exchange_;

  // Of the era that begins with `initialize`.
  std::optional<Revision> session_;
  Severity session_log_ = Severity::error;  // until logging/setLevel: quiet by default
  bool asks_roots_ = false;                 // the client has them, and nobody told us the project
  std::int64_t roots_asked_ = 0;
  // Nothing but requests that name their revision so far: errors without a readable request are in its form.
  bool stateless_ = false;

  // What changed is found by comparing.
  std::vector<std::int64_t> counts_;
  SteadyTime look_again_{};

  std::vector<std::string> outbox_;  // may leave
  std::vector<Reply> group_;         // during handle(): waits for the commit
  Reply* current_ = nullptr;         // of the line at work
  Call* call_ = nullptr;             // at work
  std::deque<Waiting> waiting_;      // came during long work
  std::size_t waiting_bytes_ = 0;
  // Requests of this group that a later line of it cancels: neither done nor answered.
  std::unordered_map<rpc::IdText, std::size_t> cancelled_;
  std::size_t line_ = 0;  // of the group, at work
};

}  // namespace fortium::mcp
