// JSON text, edited in its place: order, blanks, numbers and escapes of all that is not asked for stay as they are,
// byte for byte, and what is new follows the style that it finds around it.
//
// The text must have passed parse_json, and its root must be an object. A span is a place in one text: an edit makes
// all spans void. What append adds, remove of the same child takes away without a trace; but an empty container that
// had blanks in it has none afterwards. Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fortium::claude {

struct Span {
  std::size_t begin = 0, end = 0;

  std::string_view of(std::string_view text) const { return text.substr(begin, end - begin); }
};

// A member of an object, or an item of a list.
struct Child {
  Span whole;  // a member's key, too
  Span value;
  std::string key;  // of a member
};

Span root_of(std::string_view text);
bool is_object(std::string_view text, Span value);
bool is_array(std::string_view text, Span value);
// None of what is no container.
std::vector<Child> children_of(std::string_view text, Span container);
std::optional<Span> member_of(std::string_view text, Span object, std::string_view key);
// A string's meaning; nothing for any other value.
std::optional<std::string> string_of(std::string_view text, Span value);

void replace(std::string& text, Span value, const nlohmann::ordered_json& by);
// As the last one; the key is of no account in a list.
void append(std::string& text, Span container, std::string_view key, const nlohmann::ordered_json& value);
void remove(std::string& text, Span container, std::size_t index);

}  // namespace fortium::claude
