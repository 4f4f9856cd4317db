#include "fortium/base/config_file.h"

#include <algorithm>

namespace fortium {

namespace {

std::string_view trim(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r");
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

bool is_key(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

bool is_bare(std::string_view value) {
  if (value == "true" || value == "false") return true;
  if (value.starts_with('-')) value.remove_prefix(1);
  return !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
}

// Reads a value; what follows it may only be a comment.
Result<std::string> read_value(std::string_view text) {
  const auto only_comment = [](std::string_view rest) {
    rest = trim(rest);
    return rest.empty() || rest.front() == '#';
  };
  if (text.starts_with('\'')) {
    const auto end = text.find('\'', 1);
    if (end == text.npos || !only_comment(text.substr(end + 1))) return Error{Errc::invalid, "the string does not end"};
    return std::string(text.substr(1, end - 1));
  }
  if (text.starts_with('"')) {
    std::string out;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '"') {
        if (!only_comment(text.substr(i + 1))) return Error{Errc::invalid, "something follows the string"};
        return out;
      }
      if (text[i] != '\\') {
        out += text[i];
        continue;
      }
      constexpr std::string_view kNames = "\"\\ntr", kMeans = "\"\\\n\t\r";
      const auto which = ++i < text.size() ? kNames.find(text[i]) : kNames.npos;
      if (which == kNames.npos) return Error{Errc::invalid, "unknown escape in the string"};
      out += kMeans[which];
    }
    return Error{Errc::invalid, "the string does not end"};
  }
  std::string bare(trim(text.substr(0, text.find('#'))));
  std::erase(bare, '_');
  if (!is_bare(bare)) return Error{Errc::invalid, "a value is \"text\", a whole number, true or false"};
  return bare;
}

struct Lines {
  std::string_view rest;
  bool next(std::string_view& line) {
    if (rest.empty()) return false;
    const auto end = rest.find('\n');
    line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    return true;
  }
};

std::string quoted(std::string_view value) {
  if (is_bare(value)) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// "key" of "key = value" in this table; empty for any other line. A header line changes the table.
std::string key_of(std::string_view line, std::string& table) {
  line = trim(line);
  if (line.starts_with('[') && line.find(']') != line.npos) {
    table = std::string(trim(line.substr(1, line.find(']') - 1)));
    return "";
  }
  if (line.empty() || line.front() == '#') return "";
  const std::string_view key = trim(line.substr(0, line.find('=')));
  if (key.empty()) return "=";  // no key: nothing that could be set
  return (table.empty() ? "" : table + ".") + std::string(key);
}

}  // namespace

ConfigText parse_config(std::string_view text) {
  ConfigText out;
  std::string table;
  std::string_view line;
  int number = 0;
  for (Lines lines{text}; lines.next(line);) {
    ++number;
    const auto wrong = [&](std::string_view why) {
      out.problems.push_back("line " + std::to_string(number) + ": " + std::string(why));
    };
    const std::string key = key_of(line, table);
    if (key.empty()) continue;
    const auto equals = line.find('=');
    if (equals == line.npos || !is_key(key)) {
      wrong("expected key = value");
      continue;
    }
    auto value = read_value(trim(line.substr(equals + 1)));
    if (!value)
      wrong(key + ": " + value.error().what);
    else
      out.values[key] = *value;
  }
  return out;
}

Result<std::string> edit_config(std::string_view text, std::string_view key, std::optional<std::string_view> value) {
  if (value && std::ranges::any_of(*value, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    return Error{Errc::invalid, "must not contain control characters"};
  const std::string fresh = value ? std::string(key) + " = " + quoted(*value) + "\n" : "";
  std::string out, table;
  bool done = false;
  std::string_view line;
  for (Lines lines{text}; lines.next(line);) {
    const bool was_top = table.empty();
    const std::string found = key_of(line, table);
    if (found == key) {
      if (!done) out += fresh;
      done = true;
      continue;
    }
    if (was_top && !table.empty() && !done) {  // the top ends here: a new key belongs before the first table
      out += fresh;
      done = true;
    }
    out += std::string(line) + "\n";
  }
  if (!done) out += fresh;
  return out;
}

}  // namespace fortium
