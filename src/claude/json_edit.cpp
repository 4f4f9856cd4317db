#include "json_edit.h"

#include <nlohmann/json.hpp>

#include "fortium/base/json.h"

namespace fortium::claude {

namespace {

using nlohmann::ordered_json;

constexpr std::string_view kBlanks = " \t\r\n";

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kBlanks, at), text.size());
}

std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return at + 1;
}

std::size_t skip_value(std::string_view text, std::size_t at) {
  if (text[at] == '"') return skip_string(text, at);
  if (text[at] != '{' && text[at] != '[') return std::min(text.find_first_of(",]} \t\r\n", at), text.size());
  for (int depth = 0;;) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
}

std::string_view blanks_before(std::string_view text, std::size_t at) {
  const auto last = text.find_last_not_of(kBlanks, at - 1);
  return text.substr(last + 1, at - last - 1);
}

// How a text is laid out.
struct Style {
  std::string newline = "\n";
  std::string unit = "  ";
  bool lines = true;         // a member a line
  std::string colon = ": ";  // where members share a line
  std::string comma = ", ";
};

std::string after_line(std::string_view blanks) {
  return std::string(blanks.substr(blanks.rfind('\n') + 1));  // npos + 1 is 0
}

Style style_of(std::string_view text) {
  Style style;
  const auto line = text.find('\n');
  if (line != text.npos && line > 0 && text[line - 1] == '\r') style.newline = "\r\n";
  const auto members = children_of(text, root_of(text));
  if (members.empty()) return style;
  const std::string_view blanks = blanks_before(text, members.front().whole.begin);
  style.lines = blanks.find('\n') != blanks.npos;
  if (style.lines && !after_line(blanks).empty()) style.unit = after_line(blanks);
  if (text[members.front().value.begin - 1] == ':') style.colon = ":", style.comma = ",";
  return style;
}

// `indent` is that of the line on which the value begins; without lines, all is on that one.
void render(std::string& out, const ordered_json& value, const Style& style, const std::string& indent) {
  if (!value.is_structured() || value.empty()) {
    out += value.dump();
    return;
  }
  const std::string inner = style.newline + indent + style.unit;
  const bool object = value.is_object();
  out += object ? '{' : '[';
  bool first = true;
  for (const auto& [key, item] : value.items()) {
    if (!first) out += style.lines ? "," : style.comma;
    first = false;
    if (style.lines) out += inner;
    if (object) out += json_string(key) + (style.lines ? ": " : style.colon);
    render(out, item, style, indent + style.unit);
  }
  if (style.lines) out += style.newline + indent;
  out += object ? '}' : ']';
}

std::string_view line_indent(std::string_view text, std::size_t at) {
  const auto line = text.rfind('\n', at);
  const auto begin = line == text.npos ? 0 : line + 1;
  return text.substr(begin, std::min(text.find_first_not_of(" \t", begin), at) - begin);
}

}  // namespace

Span root_of(std::string_view text) {
  const std::size_t begin = skip_blanks(text, 0);
  return {begin, skip_value(text, begin)};
}

bool is_object(std::string_view text, Span value) { return text[value.begin] == '{'; }

bool is_array(std::string_view text, Span value) { return text[value.begin] == '['; }

std::vector<Child> children_of(std::string_view text, Span container) {
  std::vector<Child> children;
  const bool object = is_object(text, container);
  if (!object && !is_array(text, container)) return children;
  std::size_t at = skip_blanks(text, container.begin + 1);
  while (at + 1 < container.end) {
    Child child;
    child.whole.begin = child.value.begin = at;
    if (object) {
      at = skip_string(text, at);
      child.key = *string_of(text, {child.whole.begin, at});
      child.value.begin = at = skip_blanks(text, skip_blanks(text, at) + 1);
    }
    child.whole.end = child.value.end = skip_value(text, at);
    at = skip_blanks(text, child.whole.end);
    children.push_back(std::move(child));
    if (text[at] != ',') break;
    at = skip_blanks(text, at + 1);
  }
  return children;
}

std::optional<Span> member_of(std::string_view text, Span object, std::string_view key) {
  if (!is_object(text, object)) return std::nullopt;
  for (const Child& child : children_of(text, object))
    if (child.key == key) return child.value;
  return std::nullopt;
}

std::optional<std::string> string_of(std::string_view text, Span value) {
  if (text[value.begin] != '"') return std::nullopt;
  const auto parsed = parse_json(value.of(text));
  if (!parsed) return std::nullopt;
  return parsed->get<std::string>();
}

void replace(std::string& text, Span value, const ordered_json& by) {
  Style style = style_of(text);
  style.lines &= by.is_object();
  std::string fresh;
  render(fresh, by, style, std::string(line_indent(text, value.begin)));
  text.replace(value.begin, value.end - value.begin, fresh);
}

void append(std::string& text, Span container, std::string_view key, const ordered_json& value) {
  Style style = style_of(text);
  const auto children = children_of(text, container);
  std::string blanks, closing;  // before the new child, and after it
  if (children.empty()) {
    const std::string indent(line_indent(text, container.begin));
    if (style.lines) blanks = style.newline + indent + style.unit, closing = style.newline + indent;
  } else {
    blanks = blanks_before(text, children.back().whole.begin);
    style.lines = blanks.find('\n') != blanks.npos;
  }
  std::string fresh = (children.empty() ? "" : ",") + blanks;
  if (is_object(text, container)) fresh += json_string(key) + (style.lines ? ": " : style.colon);
  render(fresh, value, style, style.lines ? after_line(blanks) : "");
  const std::size_t at = children.empty() ? container.begin + 1 : children.back().whole.end;
  text.replace(at, children.empty() ? container.end - 1 - at : 0, fresh + closing);
}

void remove(std::string& text, Span container, std::size_t index) {
  const auto children = children_of(text, container);
  Span gone{container.begin + 1, container.end - 1};
  if (children.size() > 1) {
    gone = children[index].whole;
    if (index + 1 < children.size())
      gone.end = children[index + 1].whole.begin;
    else
      gone.begin = children[index - 1].whole.end;
  }
  text.erase(gone.begin, gone.end - gone.begin);
}

}  // namespace fortium::claude
