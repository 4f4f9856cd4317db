#include "completion.h"

#include <CLI/CLI.hpp>
#include <initializer_list>
#include <map>
#include <string_view>

namespace fortium::app {

namespace {

constexpr std::string_view kBashInZsh = "autoload -U +X bashcompinit && bashcompinit\n";

std::string words_of(const CLI::App& app) {
  std::string words;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) words += sub->get_name() + " ";
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  return words;
}

// What may follow each command: "" is the program itself, "queue list" a command of a command.
using Words = std::map<std::string, std::string>;

Words choices(const CLI::App& app, const Words& values) {
  Words out{{"", words_of(app)}};
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    out[sub->get_name()] = words_of(*sub);
    for (const CLI::App* inner : sub->get_subcommands([](const CLI::App*) { return true; }))
      out[sub->get_name() + " " + inner->get_name()] = words_of(*inner);
  }
  for (const auto& [command, words] : values) out[command] += words;
  return out;
}

// Options that take a value, as a pattern: the word after one is no command.
std::string valued(const CLI::App& app) {
  std::string out;
  const auto add = [&out](const CLI::App& one) {
    for (const CLI::Option* option : one.get_options())
      for (const std::string& name : option->get_lnames())
        if (option->get_items_expected_max() > 0) out += "|--" + name;
  };
  add(app);
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) add(*sub);
  return out;
}

std::string bash(const CLI::App& app, const Words& values) {
  std::string out =
      "_fortium_metrics() {\n  local path=() word before=\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case $before in " +
      valued(app).substr(1) +
      ") before=; continue ;; esac\n"
      "    before=$word\n    [[ $word == -* ]] || path+=(\"$word\")\n  done\n"
      "  local words\n  case \"${path[*]:0:2}\" in\n";
  for (const auto& [path, words] : choices(app, values)) out += "    '" + path + "') words='" + words + "' ;;\n";
  return out +
         "    *) words='' ;;\n  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
         "\"${COMP_WORDS[COMP_CWORD]}\")\n"
         "}\ncomplete -o default -F _fortium_metrics fortium-metrics\n";
}

void append(std::string& out, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) out += part;
}

std::string fish(const CLI::App& app) {
  constexpr std::string_view kComplete = "complete -c fortium-metrics ";
  std::string out;
  append(out, {kComplete, "-f\n"});
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string name = sub->get_name();
    append(out, {kComplete, "-n __fish_use_subcommand -a ", name, " -d '", sub->get_description(), "'\n"});
    for (const CLI::App* inner : sub->get_subcommands([](const CLI::App*) { return true; }))
      append(out, {kComplete, "-n '__fish_seen_subcommand_from ", name, "' -a ", inner->get_name(), " -d '",
                   inner->get_description(), "'\n"});
    for (const CLI::Option* option : sub->get_options())
      for (const std::string& flag : option->get_lnames())
        append(out, {kComplete, "-n '__fish_seen_subcommand_from ", name, "' -l ", flag, "\n"});
  }
  return out;
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell, const Words& values) {
  if (shell == "fish") return fish(app);
  return std::string(shell == "zsh" ? kBashInZsh : std::string_view()) + bash(app, values);
}

}  // namespace fortium::app
