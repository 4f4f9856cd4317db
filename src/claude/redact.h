// Takes secrets out of a text that a person has allowed to be kept. Pure; any thread.
//
// Known shapes: keys of common vendors, bearer and basic credentials, JSON web tokens, PEM blocks, passwords in URLs,
// values of names that speak of a secret (.env lines, options, headers, JSON), and long words that look random. What is
// taken for a secret by mistake costs a word; the other mistake costs more.
#pragma once

#include <string>
#include <string_view>

namespace fortium::claude {

constexpr std::string_view kRedacted = "[redacted]";

std::string redact(std::string_view text);

}  // namespace fortium::claude
