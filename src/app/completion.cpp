#include "completion.h"

#include <CLI/CLI.hpp>
#include <map>

namespace fortium::app {

namespace {

constexpr const char* kProgram = "fortium-metrics";

std::string words_of(const CLI::App& app) {
  std::string words;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) words += sub->get_name() + " ";
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  return words;
}

// What may follow each command: "" is the program itself, "queue list" a command of a command.
std::map<std::string, std::string> choices(const CLI::App& app) {
  std::map<std::string, std::string> out{{"", words_of(app)}};
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    out[sub->get_name()] = words_of(*sub);
    for (const CLI::App* inner : sub->get_subcommands([](const CLI::App*) { return true; }))
      out[sub->get_name() + " " + inner->get_name()] = words_of(*inner);
  }
  return out;
}

std::string bash(const CLI::App& app) {
  std::string out = "_fortium_metrics() {\n  local path=() word\n  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                    "    [[ $word == -* ]] || path+=(\"$word\")\n  done\n  local words\n  case \"${path[*]:0:2}\" in\n";
  for (const auto& [path, words] : choices(app)) out += "    '" + path + "') words='" + words + "' ;;\n";
  return out + "    *) words='' ;;\n  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
               "}\ncomplete -o default -F _fortium_metrics " +
         kProgram + "\n";
}

std::string fish(const CLI::App& app) {
  std::string out = "complete -c fortium-metrics -f\n";
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    out += std::string("complete -c ") + kProgram + " -n __fish_use_subcommand -a " + sub->get_name() + " -d '" +
           sub->get_description() + "'\n";
    for (const CLI::App* inner : sub->get_subcommands([](const CLI::App*) { return true; }))
      out += std::string("complete -c ") + kProgram + " -n '__fish_seen_subcommand_from " + sub->get_name() + "' -a " +
             inner->get_name() + " -d '" + inner->get_description() + "'\n";
    for (const CLI::Option* option : sub->get_options())
      for (const std::string& name : option->get_lnames())
        out += std::string("complete -c ") + kProgram + " -n '__fish_seen_subcommand_from " + sub->get_name() +
               "' -l " + name + "\n";
  }
  return out;
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
  if (shell == "fish") return fish(app);
  // zsh runs bash's completions.
  return (shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "") + bash(app);
}

}  // namespace fortium::app
