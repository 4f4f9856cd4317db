// Shell completion, made from the command line's own description.
#pragma once

#include <map>
#include <string>

namespace CLI {
class App;
}

namespace fortium::app {

// For bash, zsh or fish. `values`: words that may follow a command besides its options, by command.
std::string completion_script(const CLI::App& app, const std::string& shell,
                              const std::map<std::string, std::string>& values);

}  // namespace fortium::app
