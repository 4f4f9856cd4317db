// What may be kept of what a person typed or a tool was given. The one place that decides.
//
// By default nothing of it: lengths, extensions of files, hashes that are salted for this installation, the first word
// of a shell command. Prompts, arguments, paths and error texts can be allowed one by one; secrets are taken out of
// them even then, and contents of files are never kept. Values; any thread.
#pragma once

#include <string>
#include <string_view>

#include "fortium/base/json.h"

namespace fortium::claude {

struct Privacy {
  bool prompts = false;
  bool arguments = false;
  bool paths = false;
  bool errors = false;
  std::string salt;  // of this installation; empty: no hashes are made
};

constexpr std::size_t kMostKeptChars = 4'000;  // of an allowed text; the fields' own limits are far beyond

// A name that somebody else gave, fit for a record: no control characters, at most 255 characters.
std::string clean_name(std::string_view name);
// One of the few words that Claude Code has for what failed, such as rate_limit; empty: it is anything else.
std::string word_of(const std::string& error);
// "/plan-product" of "/plan-product now and here"; empty: the prompt is no command.
std::string command_of(std::string_view prompt);
// The same of a command or skill that is named without its slash.
std::string command_named(std::string_view name);

// Each adds to `context` what may be kept.
void describe_prompt(Json& context, const Json& prompt, std::int64_t chars, const Privacy& privacy);
void describe_input(Json& context, const Json& input, const Privacy& privacy);
// What to keep of an error's text; empty: nothing.
std::string describe_error(Json& context, std::string_view error, std::int64_t chars, const Privacy& privacy);

}  // namespace fortium::claude
