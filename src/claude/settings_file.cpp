#include "settings_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fortium/base/json.h"
#include "json_edit.h"

namespace fortium::claude {

namespace {

using nlohmann::ordered_json;

// The program of "program" hook, 'program' hook or program hook.
std::optional<std::string> program_of(std::string_view command) {
  constexpr std::string_view kHook = " hook";
  if (!command.ends_with(kHook)) return std::nullopt;
  command.remove_suffix(kHook.size());
  const bool quoted =
      command.size() > 1 && command.front() == command.back() && (command[0] == '"' || command[0] == '\'');
  if (!quoted) return std::string(command);
  std::string program;
  for (std::size_t i = 1; i + 1 < command.size(); ++i) {
    if (command[i] == '\\' && command[0] == '"' && i + 2 < command.size()) ++i;
    program += command[i];
  }
  return program;
}

bool is_ours(std::string_view program) { return program.substr(program.rfind('/') + 1) == kName; }

// One hook of ours and where it stands: hooks, its event's list, its group, the group's list.
struct Entry {
  std::string event;
  Span hooks, list, inner;
  std::size_t group = 0, place = 0;
  Span command;
  std::string program;
  bool by_server = false;  // then it has neither
};

std::vector<Entry> entries_of(std::string_view text) {
  std::vector<Entry> found;
  const auto hooks = member_of(text, root_of(text), "hooks");
  if (!hooks) return found;
  for (const Child& event : children_of(text, *hooks)) {
    const auto groups = children_of(text, event.value);
    for (std::size_t group = 0; group < groups.size(); ++group) {
      const auto inner = member_of(text, groups[group].value, "hooks");
      if (!inner) continue;
      const auto handlers = children_of(text, *inner);
      for (std::size_t place = 0; place < handlers.size(); ++place) {
        const auto command = member_of(text, handlers[place].value, "command");
        const auto line = command ? string_of(text, *command) : std::nullopt;
        const auto tool = member_of(text, handlers[place].value, "tool");
        if (line && is_our_hook(*line))
          found.push_back({event.key, *hooks, event.value, *inner, group, place, *command, *program_of(*line), false});
        else if (tool && string_of(text, *tool) == kHookTool)
          found.push_back({event.key, *hooks, event.value, *inner, group, place, {}, "", true});
      }
    }
  }
  return found;
}

std::size_t index_of(std::string_view text, Span object, std::string_view key) {
  const auto children = children_of(text, object);
  return static_cast<std::size_t>(std::ranges::find(children, key, &Child::key) - children.begin());
}

// With everything around it that holds nothing else.
void remove_entry(std::string& text, const Entry& entry) {
  if (children_of(text, entry.inner).size() > 1) return remove(text, entry.inner, entry.place);
  if (children_of(text, entry.list).size() > 1) return remove(text, entry.list, entry.group);
  if (children_of(text, entry.hooks).size() > 1)
    return remove(text, entry.hooks, index_of(text, entry.hooks, entry.event));
  const Span root = root_of(text);
  remove(text, root, index_of(text, root, "hooks"));
}

Result<std::string> read(std::string_view text) {
  if (text.empty()) return std::string("{}\n");
  auto json = parse_json(text);
  if (!json) return Error{Errc::invalid, "it is not plain JSON: " + json.error().what};
  if (!json->is_object()) return Error{Errc::invalid, "it is not a JSON object"};
  return std::string(text);
}

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// What the server is told of a tool call: names, ids and numbers. How a call began is told by a command hook, with all
// of its input, whose size may be anything.
ordered_json input_of_tool() {
  ordered_json input;
  for (const char* name : {"hook_event_name", "session_id", "cwd", "prompt_id", "permission_mode", "agent_id",
                           "agent_type", "tool_name", "tool_use_id", "duration_ms", "error", "is_interrupt"})
    input[name] = "${" + std::string(name) + "}";
  for (const char* name : {"subagent_type", "skill"})
    input["tool_input"][name] = "${tool_input." + std::string(name) + "}";
  for (const char* name : {"interrupted", "status", "agentId", "structuredPatch"})
    input["tool_response"][name] = "${tool_response." + std::string(name) + "}";
  return input;
}

ordered_json group_of(std::string_view program, bool by_server) {
  ordered_json handler = {{"type", "command"}, {"command", hook_command(program)}, {"timeout", kHookTimeout}};
  if (by_server)
    handler = {{"type", "mcp_tool"},
               {"server", kName},
               {"tool", kHookTool},
               {"input", input_of_tool()},
               {"timeout", kHookTimeout}};
  return {{"hooks", ordered_json::array({std::move(handler)})}};
}

// The first entry that is to go: of another event, of another type, or a second one of its own.
std::optional<Entry> first_wrong(std::string_view text, std::span<const std::string_view> events,
                                 std::span<const std::string_view> by_server) {
  std::vector<std::string> seen;
  for (Entry& entry : entries_of(text)) {
    const bool again = std::ranges::find(seen, entry.event) != seen.end();
    if (again || !contains(events, entry.event) || entry.by_server != contains(by_server, entry.event))
      return std::move(entry);
    seen.push_back(entry.event);
  }
  return std::nullopt;
}

Result<void> add_event(std::string& text, std::string_view event, std::string_view program, bool by_server) {
  const Span root = root_of(text);
  const auto hooks = member_of(text, root, "hooks");
  const ordered_json group = group_of(program, by_server);
  if (!hooks) {
    append(text, root, "hooks", {{event, ordered_json::array({group})}});
    return {};
  }
  if (!is_object(text, *hooks)) return Error{Errc::invalid, "\"hooks\" in it is not an object"};
  const auto list = member_of(text, *hooks, event);
  if (!list) {
    append(text, *hooks, event, ordered_json::array({group}));
    return {};
  }
  if (!is_array(text, *list)) return Error{Errc::invalid, "\"hooks\"." + std::string(event) + " in it is not a list"};
  append(text, *list, "", group);
  return {};
}

// The objects on the way to mcpServers, as far as they are there: the root first.
Result<std::vector<Span>> way_to_servers(std::string_view text, const Above& above) {
  std::vector<Span> way{root_of(text)};
  for (std::size_t i = 0; i <= above.size(); ++i) {
    const std::string key = i < above.size() ? above[i] : "mcpServers";
    const auto next = member_of(text, way.back(), key);
    if (!next) break;
    if (!is_object(text, *next)) return Error{Errc::invalid, "\"" + key + "\" in it is not an object"};
    way.push_back(*next);
  }
  return way;
}

bool is_secret(std::string_view key) {
  if (key.find('/') != key.npos) return false;  // a path, which says nothing of what is in it
  constexpr std::string_view kWords[] = {"key", "token", "secret", "password", "credential", "auth"};
  std::string small(key);
  for (char& c : small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return small == "env" || small == "headers" ||
         std::ranges::any_of(kWords, [&](std::string_view word) { return small.find(word) != small.npos; });
}

// The strings in it that are to be hidden, in the order of the text.
void find_secrets(std::string_view text, Span value, bool secret, std::vector<Span>& found) {
  if (secret && text[value.begin] == '"') found.push_back(value);
  for (const Child& child : children_of(text, value))
    find_secrets(text, child.value, secret || is_secret(child.key), found);
}

}  // namespace

std::string hook_command(std::string_view program) {
  std::string command = "\"";
  for (const char c : program) {
    if (c == '"' || c == '\\' || c == '$' || c == '`') command += '\\';
    command += c;
  }
  return command + "\" hook";
}

bool is_our_hook(std::string_view command) {
  const auto program = program_of(command);
  return program && is_ours(*program);
}

Result<std::string> add_hooks(std::string_view before, std::span<const std::string_view> events,
                              std::string_view program, std::span<const std::string_view> by_server) {
  FM_TRY(std::string text, read(before));
  while (const auto wrong = first_wrong(text, events, by_server)) remove_entry(text, *wrong);
  // From the last to the first, so that the places before stay what they are.
  std::vector<Entry> stay = entries_of(text);
  for (auto entry = stay.rbegin(); entry != stay.rend(); ++entry)
    if (!entry->by_server && entry->program != program) replace(text, entry->command, hook_command(program));
  for (const std::string_view event : events)
    if (std::ranges::find(stay, event, &Entry::event) == stay.end())
      FM_TRY_(add_event(text, event, program, contains(by_server, event)));
  return before.empty() && events.empty() ? Result<std::string>(std::string()) : Result<std::string>(std::move(text));
}

Result<std::string> remove_hooks(std::string_view before) { return add_hooks(before, {}, ""); }

ordered_json server_entry(std::string_view program) {
  return {
      {"type", "stdio"}, {"command", program}, {"args", ordered_json::array({"mcp"})}, {"env", ordered_json::object()}};
}

Result<std::string> add_server(std::string_view before, const Above& above, std::string_view program) {
  FM_TRY(std::string text, read(before));
  FM_TRY(const std::vector<Span> way, way_to_servers(text, above));
  if (way.size() == above.size() + 2) {
    if (const auto entry = member_of(text, way.back(), kName)) {
      const auto command = member_of(text, *entry, "command");
      if (!command) return Error{Errc::conflict, "its server fortium-metrics is one that is not started by a command"};
      if (string_of(text, *command) != program) replace(text, *command, program);
      return text;
    }
    append(text, way.back(), kName, server_entry(program));
    return text;
  }
  // What is missing on the way, from the inside out.
  ordered_json value = {{kName, server_entry(program)}};
  std::string key = "mcpServers";
  for (std::size_t i = above.size(); i + 1 > way.size(); --i) {
    value = ordered_json{{key, std::move(value)}};
    key = above[i - 1];
  }
  append(text, way.back(), key, value);
  return text;
}

Result<std::string> remove_server(std::string_view before, const Above& above) {
  if (before.empty()) return std::string();
  FM_TRY(std::string text, read(before));
  FM_TRY(const std::vector<Span> way, way_to_servers(text, above));
  if (way.size() < above.size() + 2 || !member_of(text, way.back(), kName)) return text;
  for (std::size_t i = way.size(); i-- > 0;) {
    const std::string key = i == way.size() - 1 ? std::string(kName) : i < above.size() ? above[i] : "mcpServers";
    if (i > 0 && children_of(text, way[i]).size() == 1) continue;  // it goes with what holds it
    remove(text, way[i], index_of(text, way[i], key));
    break;
  }
  return text;
}

std::string without_secrets(std::string_view text) {
  std::string out(text);
  std::vector<Span> found;
  if (read(text)) find_secrets(text, root_of(text), /*secret=*/false, found);
  for (auto secret = found.rbegin(); secret != found.rend(); ++secret)
    out.replace(secret->begin, secret->end - secret->begin, "\"…\"");
  return out;
}

std::string hooks_by_hand(std::span<const std::string_view> events, std::string_view program,
                          std::span<const std::string_view> by_server) {
  ordered_json hooks = ordered_json::object();
  for (const std::string_view event : events)
    hooks[std::string(event)] = ordered_json::array({group_of(program, contains(by_server, event))});
  return ordered_json{{"hooks", std::move(hooks)}}.dump(2);
}

std::string server_by_hand(std::string_view program) {
  return ordered_json{{"mcpServers", {{kName, server_entry(program)}}}}.dump(2);
}

Result<Wiring> wiring_of(std::string_view text) {
  FM_TRY(const std::string whole, read(text));
  Wiring wiring;
  for (Entry& entry : entries_of(whole)) {
    wiring.events.push_back(std::move(entry.event));
    if (entry.by_server) continue;
    if (std::ranges::find(wiring.programs, entry.program) == wiring.programs.end())
      wiring.programs.push_back(std::move(entry.program));
  }
  std::vector<Span> places{root_of(whole)};
  if (const auto projects = member_of(whole, places[0], "projects"))
    for (const Child& project : children_of(whole, *projects)) places.push_back(project.value);
  for (const Span place : places) {
    const auto servers = member_of(whole, place, "mcpServers");
    if (!servers) continue;
    for (const Child& server : children_of(whole, *servers)) {
      const auto command = member_of(whole, server.value, "command");
      const auto program = command ? string_of(whole, *command) : std::nullopt;
      if (server.key != kName && !is_ours(program.value_or(""))) continue;
      wiring.server = true;
      if (wiring.server_program.empty()) wiring.server_program = program.value_or("");
    }
  }
  return wiring;
}

}  // namespace fortium::claude
