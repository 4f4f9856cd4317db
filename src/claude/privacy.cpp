#include "privacy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <span>

#include "fortium/base/hash.h"
#include "redact.h"

namespace fortium::claude {

namespace {

constexpr std::size_t kMostName = 255;  // bytes, so characters too
constexpr std::size_t kMostExtension = 16;
constexpr std::size_t kMostWord = 32;
constexpr std::size_t kHashDigits = 16;           // enough to tell the files of a person apart
constexpr std::size_t kMostArguments = 32 << 10;  // of JSON: half of what a record's detail may be
constexpr int kMostLevels = 4;                    // of arguments

// Members of a tool's input, by what they hold.
constexpr std::array<std::string_view, 5> kPaths = {"file_path", "notebook_path", "path", "cwd", "directory"};
constexpr std::array<std::string_view, 7> kContents = {"content",    "old_string", "new_string", "new_source",
                                                       "old_source", "edits",      "todos"};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

// Whole characters, and none that controls a terminal.
std::string clean(std::string_view text, std::size_t most_bytes) {
  std::size_t size = std::min(text.size(), most_bytes);
  while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  std::string out(text.substr(0, size));
  for (char& c : out)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F) c = ' ';
  return out;
}

std::string allowed(std::string_view text) { return clean(redact(text), kMostKeptChars); }

std::string_view base_name(std::string_view path) { return path.substr(path.find_last_of("/\\") + 1); }

std::string extension_of(std::string_view path) {
  const std::string_view base = base_name(path);
  const auto dot = base.rfind('.');
  if (dot == base.npos || dot == 0 || base.size() - dot - 1 > kMostExtension) return "";
  std::string extension(base.substr(dot + 1));
  if (!std::ranges::all_of(extension, is_word)) return "";
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return extension;
}

void describe_path(Json& context, std::string_view path, const Privacy& privacy) {
  if (path.empty()) return;
  if (const std::string extension = extension_of(path); !extension.empty()) context["file_extension"] = extension;
  if (!privacy.salt.empty()) {
    const Sha256 hash = hmac_sha256(privacy.salt, path);
    context["file_hash"] = to_hex(hash.data(), kHashDigits / 2);
  }
  if (privacy.paths) context["file_path"] = allowed(path);
}

// "git" of "GIT_PAGER= /usr/bin/git push": the program, and no more.
std::string first_word(std::string_view command) {
  while (true) {
    const auto begin = command.find_first_not_of(" \t\n");
    if (begin == command.npos) return "";
    command.remove_prefix(begin);
    const std::string_view word = command.substr(0, command.find_first_of(" \t\n;|&<>()"));
    const auto equals = word.find('=');
    const bool assignment = equals != word.npos && equals > 0 && std::ranges::all_of(word.substr(0, equals), is_word);
    if (!assignment) {
      const std::string name(base_name(word));
      const bool plain = std::ranges::all_of(name, [](char c) { return is_word(c) || c == '.' || c == '+'; });
      return plain && name.size() <= kMostWord && redact(name) == name ? name : "";
    }
    // A value in quotes may hold anything, also what looks like a word.
    if (word.find_first_of("\"'`$\\") != word.npos) return "";
    command.remove_prefix(word.size());
    if (!command.empty() && std::string_view(";|&<>()").find(command.front()) != std::string_view::npos) return "";
  }
}

// The same arguments, without contents, without secrets, and without paths where those are not allowed.
Json allowed_arguments(const Json& value, const Privacy& privacy, int level) {
  if (value.is_string()) return allowed(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value;
  if (level == kMostLevels) return nullptr;
  Json out = value.is_object() ? Json::object() : Json::array();
  if (value.is_array()) {
    for (const Json& one : value) out.push_back(allowed_arguments(one, privacy, level + 1));
    return out;
  }
  for (const auto& [name, one] : value.items()) {
    if (is_one_of(name, kContents) || (!privacy.paths && is_one_of(name, kPaths))) continue;
    // What is named as a secret is one, whatever it looks like.
    const bool secret = one.is_string() && redact(name + "=x") != name + "=x";
    out[clean_name(name)] = secret ? Json(kRedacted) : allowed_arguments(one, privacy, level + 1);
  }
  return out;
}

}  // namespace

std::string clean_name(std::string_view name) {
  std::string out = clean(name, kMostName);
  std::ranges::replace_if(
      out, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return out;
}

std::string word_of(const std::string& error) {
  constexpr std::size_t kLongest = 64;
  const bool word = std::ranges::all_of(error, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return word && error.size() <= kLongest ? error : "";
}

std::string command_of(std::string_view prompt) {
  if (!prompt.starts_with('/')) return "";
  const std::string_view name = prompt.substr(1, prompt.find_first_of(" \t\n\r") - 1);
  const bool plain = std::ranges::all_of(name, [](char c) { return is_word(c) || c == ':' || c == '.'; });
  if (name.empty() || !plain || name.size() >= kMostName || redact(name) != name) return "";
  return "/" + std::string(name);
}

std::string command_named(std::string_view name) {
  return command_of(name.starts_with('/') ? std::string(name) : "/" + std::string(name));
}

void describe_prompt(Json& context, const Json& prompt, std::int64_t chars, const Privacy& privacy) {
  context["prompt_chars"] = chars;
  if (privacy.prompts && prompt.is_string()) context["prompt"] = allowed(prompt.get_ref<const std::string&>());
}

void describe_input(Json& context, const Json& input, const Privacy& privacy) {
  if (!input.is_object()) return;
  for (const std::string_view name : kPaths)
    if (const auto at = input.find(name); at != input.end() && at->is_string()) {
      describe_path(context, at->get_ref<const std::string&>(), privacy);
      break;
    }
  if (const auto at = input.find("command"); at != input.end() && at->is_string())
    if (const std::string word = first_word(at->get_ref<const std::string&>()); !word.empty())
      context["command_word"] = word;
  if (!privacy.arguments || input.empty()) return;
  Json arguments = allowed_arguments(input, privacy, 0);
  if (dump_json(arguments).size() <= kMostArguments) context["arguments"] = std::move(arguments);
}

std::string describe_error(Json& context, std::string_view error, std::int64_t chars, const Privacy& privacy) {
  constexpr std::string_view kExit = "Exit code ";
  if (error.starts_with(kExit)) {
    int code = 0;
    if (std::from_chars(error.data() + kExit.size(), error.data() + error.size(), code).ec == std::errc())
      context["exit_code"] = code;
  }
  if (!error.empty()) context["error_chars"] = chars;
  return privacy.errors ? allowed(error) : "";
}

}  // namespace fortium::claude
