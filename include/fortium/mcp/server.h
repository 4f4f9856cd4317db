// The protocol: lines in, lines out. No I/O, no threads, no time of its own, so a transcript, a fuzzer, stdio and HTTP
// drive the same code.
//
// All lines of one call are one group: what they record shares one commit, and no answer that acknowledges a record
// comes back unless that commit succeeded. One instance is one connection, and belongs to one thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fortium/mcp/catalog.h"
#include "fortium/mcp/revision.h"
#include "fortium/rpc/channel.h"
#include "fortium/rpc/message.h"

namespace fortium::mcp {

class Server {
 public:
  Server(const Catalog& catalog, Context context, std::string_view version);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The answers, in the order of the lines: at most one a line. Every line is answered as its place in the protocol
  // demands, whatever it holds; nothing escapes as an exception.
  std::vector<std::string> handle(std::span<const rpc::Line> lines);
  std::optional<std::string> handle(std::string_view line);

  std::optional<Revision> revision() const { return revision_; }

 private:
  // One answer. Where it acknowledges records that are not yet committed, `line` counts only if the commit succeeds.
  struct Answer {
    std::string line;
    rpc::IdText id;
    bool awaits_commit = false;
  };
  // The answers to one line: one, or those of a batch.
  struct Reply {
    std::vector<Answer> answers;
    bool batch = false;
  };

  void look_for_cancellations(std::span<const rpc::Line> lines);
  Reply reply_to(const rpc::Line& line);
  Reply reply_to_batch(Json&& messages);
  std::optional<Answer> answer(Json&& message, bool in_batch);
  Answer dispatch(rpc::Request&& request, bool in_batch);

  Answer initialize(const rpc::Request& request);
  Answer list_tools(const rpc::Request& request);
  Answer call_tool(rpc::Request&& request);
  Answer list_resources(const rpc::Request& request);
  Answer list_templates(const rpc::Request& request);
  Answer read_resource(const rpc::Request& request);
  Answer list_prompts(const rpc::Request& request);
  Answer get_prompt(const rpc::Request& request);

  Answer error(std::string_view id, int code, std::string_view message, std::string_view data = "") const;
  std::optional<Answer> refuse_cursor(const rpc::Request& request) const;
  std::string result_json(const CallResult& result) const;
  std::string render_tools() const;

  Result<void> commit();

  const Catalog& catalog_;
  Context context_;
  const std::string version_;
  std::optional<Revision> revision_;  // once `initialize` was answered
  std::unordered_map<std::string_view, const Tool*> tools_;
  std::string tools_json_;               // the whole tools/list result of this revision
  std::vector<Reply>* group_ = nullptr;  // during handle()
  // Requests of this group that a later line of it cancels: neither done nor answered.
  std::unordered_map<rpc::IdText, std::size_t> cancelled_;
  std::size_t line_ = 0;                    // of the group, at work
  std::vector<Answer>* current_ = nullptr;  // answers of the line at work
};

}  // namespace fortium::mcp
