// One event while it is understood: each row of the table in hook.cpp is a function of it. Sessions, turns and what is
// counted are in hook_sessions.cpp, calls and what they become in hook_calls.cpp. One thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hook.h"

namespace fortium::claude {

// Between two moments, as far as a duration may go.
double milliseconds_between(WallTime from, WallTime to);
// Something that ends. What is kept of a compaction after its end is how many there were.
bool is_call(const metrics::OpenCall& call);

class Reading {
 public:
  Reading(const Told& told, const Moment& moment, std::span<const metrics::OpenCall> open)
      : told_(told), moment_(moment), open_(open), session_(told.session_id()) {}

  Happened done();

  void session_start();
  void session_end();
  void prompt();
  void begin_command();
  void stop();
  void stop_failed();
  void compaction_begins();
  void compaction_done();
  // How often an event came in a session is told at its end.
  void count();

  void tool_begins();
  void tool_done();
  void tool_failed();
  void tool_denied();
  void permission_asked();
  void agent_begins();
  void agent_done();

 private:
  using OpenCall = metrics::OpenCall;
  using Do = metrics::Change::Do;

  // Empty in older versions.
  std::string prompt_id() const { return told_.text("prompt_id"); }
  const OpenCall* find(std::string_view what, std::string_view key) const;
  OpenCall note(std::string_view what, std::string key, std::string_view name) const;
  OpenCall this_session(const std::string& run) const;
  void touch_session();
  void turn_ends(const std::string& status, const Json& context);
  OpenCall tool_call() const;
  void end_call(const OpenCall& call, End end);
  void end_tool(End end);
  void run_by_model(const OpenCall& tool, const End& end);
  void delegated(const OpenCall& tool, const End& end);
  std::optional<double> duration_of(const OpenCall& call) const;

  template <class Which>
  void end_all(Which which) {
    for (const OpenCall& call : open_) {
      if (!is_call(call) || !which(call)) continue;
      out_.records.push_back(given_up(call));
      out_.changes.push_back({Do::end, call});
    }
  }

  const Told& told_;
  const Moment& moment_;
  const std::span<const OpenCall> open_;
  const std::string session_;
  bool session_told_ = false;  // that it is there, or that it is over
  Happened out_;
};

}  // namespace fortium::claude
