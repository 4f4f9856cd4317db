#include "query.h"

#include <algorithm>
#include <optional>

#include "fortium/base/utf8.h"

namespace fortium::service {

namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (plus_is_space && text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) return std::nullopt;
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    }
  }
  for (std::string_view left = out; !left.empty();)
    if (const auto c = next_utf8(left); !c || *c < 0x20 || *c == 0x7F) return std::nullopt;
  return out;
}

Result<Parameters> read_parameters(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    const auto name = decode(part.substr(0, equals), /*plus_is_space=*/true);
    const auto value = decode(part.substr(std::min(equals + 1, part.size())), /*plus_is_space=*/true);
    if (!name || !value)
      return Error{Errc::invalid,
                   "the query of the URL has a broken escape, a control character or bytes that are not UTF-8"};
    if (std::ranges::find(parameters, *name, &Parameters::value_type::first) != parameters.end())
      return Error{Errc::invalid, "a parameter of the URL is given twice"};
    parameters.emplace_back(*name, *value);
  }
  return parameters;
}

}  // namespace fortium::service
