// `fortium-metrics install claude-code` and `uninstall claude-code`: the server and the hooks, in and out.
//
// Files that people write (settings, .mcp.json) are edited here, as text. Claude Code's own state file is changed by
// Claude Code, as every running session writes it; only where there is none, or where no more than the program's path
// changes, it is edited here, too.
#include <algorithm>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "../claude/json_edit.h"
#include "careful_file.h"
#include "claude_code.h"
#include "commands.h"
#include "fortium/base/json.h"
#include "run_program.h"
#include "text_diff.h"

namespace fortium::app {

namespace {

constexpr Millis kCommandLimit{30'000};  // of one `claude mcp …`, which may wait for a lock of another session

constexpr const char* kAddByHand = "To do it by hand, merge this into it:\n";
constexpr const char* kRemoveByHand = "To do it by hand, take out what names fortium-metrics";

using Edit = std::function<Result<std::string>(std::string_view text)>;

struct FileChange {
  FileState state;
  std::optional<std::string> text;  // nothing: the file goes
  Backup backup;
  std::optional<std::string> before;  // to be kept; nothing: there was no file
};

using Words = std::vector<std::string>;

// What is to happen, all of it known before the first thing does.
struct Plan {
  std::vector<Words> commands;
  std::vector<FileChange> files;
  std::vector<std::string_view> events;
};

Scope scope_of(std::string_view name_) {
  for (const Scope scope : {Scope::user, Scope::project, Scope::local})
    if (name(scope) == name_) return scope;
  return Scope::user;
}

std::string shown(const Words& words) {
  std::string out;
  for (const std::string& word : words) {
    const bool plain =
        word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@+") == word.npos;
    out += (out.empty() ? "" : " ") + (plain ? word : "'" + word + "'");
  }
  return out;
}

bool is_empty_object(std::string_view text) { return claude::children_of(text, claude::root_of(text)).empty(); }

class Installer {
 public:
  Installer(const Settings& settings, const InstallCommand& command)
      : settings_(settings),
        command_(command),
        environment_(process_environment()),
        files_(claude_files(scope_of(command.scope), environment_)),
        cli_(find_claude(environment_)),
        program_(own_program(environment_)) {}

  int run() {
    if (auto planned = plan(); !planned) return fail(kFailed, planned.error().what);
    if (!command_.json) tell();
    if (!command_.dry_run)
      if (auto done = apply(); !done) return fail(kFailed, done.error().what);
    if (command_.json)
      std::cout << dump_json(document()) << "\n";
    else
      tell_end();
    return kDone;
  }

 private:
  claude::Version version() const { return cli_ && cli_->version ? *cli_->version : claude::kFirstWithHooks; }

  Result<void> plan() {
    FM_TRY_(plan_server());
    const Edit strip = [](std::string_view text) { return claude::remove_hooks(text); };
    if (command_.undo) return plan_file(files_.settings, kRemoveByHand, strip, nullptr);
    if (!command_.hooks) return {};
    plan_.events = claude::wanted_events(version());
    if (command_.by_server && !(version() >= claude::kFirstWithToolHooks))
      return Error{Errc::invalid, "--server-hooks: needs Claude Code " + claude::kFirstWithToolHooks.text() +
                                      " or later; nothing was changed"};
    const auto by_server = command_.by_server ? claude::events_for_server() : std::span<const std::string_view>();
    return plan_file(files_.settings, kAddByHand + claude::hooks_by_hand(plan_.events, program_, by_server), strip,
                     [this, by_server](std::string_view text) {
                       return claude::add_hooks(text, plan_.events, program_, by_server);
                     });
  }

  Result<void> plan_server() { return files_.own && cli_ ? plan_commands() : edit_servers(); }

  Result<void> edit_servers() {
    const Edit strip = [this](std::string_view text) { return claude::remove_server(text, files_.above); };
    if (command_.undo) return plan_file(files_.servers, kRemoveByHand, strip, nullptr);
    return plan_file(files_.servers, kAddByHand + claude::server_by_hand(program_), strip,
                     [this](std::string_view text) { return claude::add_server(text, files_.above, program_); });
  }

  // In and out by Claude Code itself. What is there already and starts another program is edited in its place: a person
  // gave it more than a command line of `claude` could say without telling secrets.
  Result<void> plan_commands() {
    const std::string name_(claude::kName);
    const bool there = is_registered();
    if (command_.undo && there) plan_.commands.push_back({cli_->path, "mcp", "remove", "-s", command_.scope, name_});
    if (!command_.undo && !there)
      plan_.commands.push_back({cli_->path, "mcp", "add", "-s", command_.scope, name_, "--", program_, "mcp"});
    return command_.undo || !there ? Result<void>() : edit_servers();
  }

  // In Claude Code's own file, as far as we can read it.
  bool is_registered() const {
    const auto state = look_at(files_.servers);
    const auto json = state ? parse_json(state->text) : Result<Json>(state.error());
    if (!json) return false;
    claude::Above way = files_.above;
    way.insert(way.end(), {"mcpServers", std::string(claude::kName)});
    const Json* at = &*json;
    for (const std::string& key : way) {
      if (!at->is_object() || !at->contains(key)) return false;
      at = &(*at)[key];
    }
    return true;
  }

  // `add` is what install does, `strip` what uninstall does; without `add` it is uninstall.
  Result<void> plan_file(const std::string& path, const std::string& by_hand, const Edit& strip, const Edit& add) {
    const auto refused = [&](const Error& why) {
      return Error{why.code, path + " cannot be edited: " + why.what + "; nothing was changed. " + by_hand};
    };
    auto state = look_at(path);
    if (!state) return refused(state.error());
    if (!add && state->text.find(claude::kName) == std::string::npos) return {};  // whatever else it is
    if (!state->exists && path.ends_with("/.claude.json")) state->mode = 0600;    // as Claude Code makes it
    const auto stripped = strip(state->text);
    auto text = !stripped ? stripped : add ? add(state->text) : stripped;
    if (!text) return refused(text.error());
    if (*text == state->text) return {};
    if (state->read_only) return refused({Errc::unavailable, "it is read-only (chmod u+w '" + state->real + "')"});
    Backup backup(settings_.data_dir, command_.scope, *state);
    const bool untouched = backup.is_after(state->text);
    FileChange change{*state, std::move(*text), backup, std::nullopt};
    if (untouched)
      change.before = backup.before();
    else if (state->exists && !(backup.was_made() && !backup.before() && is_empty_object(*stripped)))
      change.before = *stripped;
    if (!add) change.text = change.before;
    plan_.files.push_back(std::move(change));
    return {};
  }

  void tell() const {
    if (!cli_)
      std::cout << "claude was not found on PATH"
                << (command_.undo || !command_.hooks ? "" : ": only the hook events that every version knows") << "\n";
    else
      std::cout << "Claude Code " << (cli_->version ? cli_->version->text() : "of an unknown version") << ", "
                << cli_->path << "\n";
    for (const Words& words : plan_.commands) std::cout << "$ " << shown(words) << "\n";
    for (const FileChange& change : plan_.files) std::cout << diff_of(change);
  }

  static std::string diff_of(const FileChange& change) {
    return unified_diff(claude::without_secrets(change.state.text), claude::without_secrets(change.text.value_or("")),
                        change.state.exists ? change.state.path : "/dev/null",
                        change.text ? change.state.path : "/dev/null");
  }

  // Hooks come last and go first: Claude Code runs those of a session's end at some commands of its own, too.
  Result<void> apply() {
    if (command_.undo) FM_TRY_(change_files());
    for (const Words& words : plan_.commands) {
      const auto ran = run_program(words, kCommandLimit);
      if (!ran) return ran.error();
      if (ran->code != 0)
        return Error{Errc::unavailable, shown(words) + " ended with " + std::to_string(ran->code) + ": " +
                                            ran->out.substr(0, ran->out.find_last_not_of('\n') + 1)};
    }
    return command_.undo ? Result<void>() : change_files();
  }

  Result<void> change_files() {
    for (FileChange& change : plan_.files) {
      if (!command_.undo) FM_TRY_(change.backup.save(change.before, *change.text));
      FM_TRY_(change.text ? replace_file(change.state, *change.text) : remove_file(change.state));
      if (command_.undo) change.backup.forget();
    }
    return {};
  }

  void tell_end() const {
    const bool nothing = plan_.commands.empty() && plan_.files.empty();
    if (nothing) std::cout << (command_.undo ? "nothing of it is there\n" : "all of it is there already\n");
    if (command_.dry_run) {
      if (!nothing) std::cout << "nothing was changed (--dry-run)\n";
      return;
    }
    if (command_.undo) {
      if (!nothing) std::cout << "removed; what was recorded stays in " << settings_.data_dir << "\n";
      return;
    }
    for (const FileChange& change : plan_.files)
      if (change.state.exists) std::cout << "backup: " << change.backup.dir() << "/before\n";
    if (!nothing && command_.scope == "project")
      std::cout << "whoever shares these files needs the program at " << program_ << "\n";
    if (!nothing) std::cout << "sessions that begin from now on are recorded\n";
    std::cout << "bring in what Claude Code still knows of earlier sessions: fortium-metrics import\n";
  }

  Json document() const {
    Json out = {{"scope", command_.scope}, {"program", program_}, {"dry_run", command_.dry_run}};
    out["claude"] = Json();
    if (cli_) out["claude"] = {{"path", cli_->path}, {"version", cli_->version ? Json(cli_->version->text()) : Json()}};
    out["commands"] = plan_.commands;
    out["events"] = plan_.events;
    out["files"] = Json::array();
    for (const FileChange& change : plan_.files)
      out["files"].push_back(
          {{"path", change.state.path},
           {"change", !change.text          ? "removed"
                      : change.state.exists ? "changed"
                                            : "created"},
           {"backup", !command_.undo && change.state.exists ? Json(change.backup.dir() + "/before") : Json()},
           {"diff", diff_of(change)}});
    return out;
  }

  const Settings& settings_;
  const InstallCommand& command_;
  const Environment environment_;
  const ClaudeFiles files_;
  const std::optional<ClaudeCli> cli_;
  const std::string program_;
  Plan plan_;
};

}  // namespace

int run_install(const Settings& settings, const InstallCommand& command) { return Installer(settings, command).run(); }

}  // namespace fortium::app
