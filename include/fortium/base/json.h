// JSON with limits: what comes from outside is parsed here and nowhere else.
//
// parse() refuses, with a reason and a position: text that is not JSON, invalid UTF-8, lone surrogates, numbers beyond
// double, more than kMaxJsonDepth levels, and a key given twice in one object. It never throws, and its stack is
// bounded by kMaxJsonDepth. Include <nlohmann/json.hpp> only where members are touched: it costs seconds to compile.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "fortium/base/result.h"

namespace fortium {

using Json = nlohmann::json;

constexpr int kMaxJsonDepth = 64;

Result<Json> parse_json(std::string_view text);
// One line, UTF-8; bytes that are not UTF-8 become U+FFFD instead of an exception.
std::string dump_json(const Json& json);
std::string dump_json_pretty(const Json& json);
// Appends text as a JSON string, with its quotes. Bytes that are not UTF-8 stay as they are, so that whoever reads it
// refuses a damaged record instead of taking it for another one.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);
// Appends the shortest text that reads back as the same double; whole numbers without a fraction.
void append_json_number(std::string& out, double number);
// Appends "/" and the name with ~ and / escaped (RFC 6901).
void append_pointer(std::string& pointer, std::string_view name);

}  // namespace fortium
