// Shell completion, made from the command line's own description.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace fortium::app {

// For bash, zsh or fish.
std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace fortium::app
