#include "transcript.h"

#include <charconv>

namespace fortium::test {

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

std::string trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(' ');
  if (from == text.npos) return "";
  return std::string(text.substr(from, text.find_last_not_of(' ') - from + 1));
}

bool split_pair(std::string_view line, std::string& key, std::string& value) {
  const auto colon = line.find(": ");
  if (colon == line.npos || colon == 0) return false;
  key = trimmed(line.substr(0, colon));
  value = trimmed(line.substr(colon + 2));
  return true;
}

// "> text" and ">" alike.
std::string_view after_mark(std::string_view line) {
  line.remove_prefix(1);
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

// The end of the JSON value that begins at `at`.
std::size_t value_end(std::string_view text, std::size_t at) {
  int depth = 0;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\')
        ++at;
      else if (c == '"')
        quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && depth-- == 0) return at;
    if (c == ',' && depth == 0) return at;
  }
  return at;
}

}  // namespace

Transcript read_transcript(std::string name, std::string_view text) {
  Transcript out;
  out.name = std::move(name);
  const std::vector<std::string> lines = lines_of(text);
  bool in_header = true;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    const int number = static_cast<int>(i) + 1;
    const auto wrong = [&](const std::string& why) {
      out.problems.push_back("line " + std::to_string(number) + ": " + why);
    };
    // What comes out although nothing went in.
    const auto then_unasked = [&] {
      Exchange exchange{.line = number};
      for (; i + 1 < lines.size() && lines[i + 1].starts_with('<'); ++i)
        exchange.out.emplace_back(after_mark(lines[i + 1]));
      out.steps.push_back(std::move(exchange));
    };
    std::string key, value;
    if (line.empty() || line.front() == '#') {
      out.steps.push_back(Remark{line});
    } else if (line.front() == '>') {
      in_header = false;
      Exchange exchange{.line = number};
      for (; i < lines.size() && lines[i].starts_with('>'); ++i) exchange.in.push_back(lines[i]);
      if (i < lines.size() && lines[i] == "|") {
        exchange.group = true;
        ++i;
      }
      for (; i < lines.size() && lines[i].starts_with('<'); ++i) exchange.out.emplace_back(after_mark(lines[i]));
      --i;
      out.steps.push_back(std::move(exchange));
    } else if (line.starts_with("@ ")) {
      const auto time = parse_duration(line.substr(2));
      if (!time) wrong(time.error().what);
      out.steps.push_back(Advance{time ? *time : Millis(0)});
      then_unasked();
    } else if (line == "---") {
      out.steps.push_back(Reconnect{});
      then_unasked();
    } else if (line.starts_with("! ") && split_pair(line.substr(2), key, value)) {
      out.steps.push_back(Change{number, key, value});
      then_unasked();
    } else if (in_header && split_pair(line, key, value)) {
      out.header[key] = value;
      out.steps.push_back(Remark{line});
    } else {
      wrong("is none of # > < | @ --- !");
    }
  }
  if (!out.header.contains("shows")) out.problems.push_back("line 1: the header does not say what it shows");
  return out;
}

std::string to_text(const Transcript& transcript, std::string_view old_text) {
  const std::vector<std::string> old = lines_of(old_text);
  std::string out;
  std::size_t at = 0;
  for (const Step& step : transcript.steps) {
    const auto* exchange = std::get_if<Exchange>(&step);
    if (exchange == nullptr) {
      out += old[at++] + "\n";
      continue;
    }
    for (; at < old.size() && (old[at].starts_with('>') || old[at] == "|"); ++at) out += old[at] + "\n";
    for (const std::string& answer : exchange->out) out += "< " + answer + "\n";
    while (at < old.size() && old[at].starts_with('<')) ++at;
  }
  return out;
}

Input input_of(std::string_view line) {
  Input input;
  if (line.starts_with(">+ ")) {
    line.remove_prefix(3);
    std::from_chars(line.data(), line.data() + line.size(), input.dropped);
    return input;
  }
  const bool escaped = line.starts_with(">\\ ");
  line = escaped ? line.substr(3) : after_mark(line);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (escaped && line[i] == '\\' && i + 3 < line.size() && line[i + 1] == 'x') {
      unsigned byte = 0;
      std::from_chars(line.data() + i + 2, line.data() + i + 4, byte, 16);
      input.bytes += static_cast<char>(byte);
      i += 3;
    } else {
      if (escaped && line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '\\') ++i;
      input.bytes += line[i];
    }
  }
  return input;
}

bool matches(std::string_view expected, std::string_view actual) {
  constexpr std::string_view kBefore = ":[,", kAfter = ",}]";
  std::size_t at = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const bool any = expected[i] == '*' && i > 0 && i + 1 < expected.size() &&
                     kBefore.find(expected[i - 1]) != kBefore.npos && kAfter.find(expected[i + 1]) != kAfter.npos;
    if (any) {
      const std::size_t end = value_end(actual, at);
      if (end == at) return false;
      at = end;
    } else if (at >= actual.size() || actual[at++] != expected[i]) {
      return false;
    }
  }
  return at == actual.size();
}

}  // namespace fortium::test
