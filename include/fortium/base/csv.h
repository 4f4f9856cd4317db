// A cell of comma-separated values (RFC 4180). Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace fortium {

// In quotes where it must be, so that it reads back as it was.
void append_csv(std::string& out, std::string_view cell);
// The same for a file that people open: a text that a spreadsheet would take for a formula gets an apostrophe in front,
// which spreadsheets read as "text".
void append_csv_for_people(std::string& out, std::string_view cell);

}  // namespace fortium
