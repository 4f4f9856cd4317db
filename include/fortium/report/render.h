// An answer as text, in any of the forms that there are: one function a form, one table of them. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fortium/base/json.h"
#include "fortium/report/report.h"

namespace fortium::report {

// What the reader's screen can do. For `table` only.
struct Look {
  std::size_t width = 80;  // columns
  bool unicode = true;
  bool colour = false;
};

struct Form {
  std::string_view name;
  std::string_view doc;
  bool whole;  // for programs: all rows, unless a limit is asked for
  std::string (*render)(const Report& report, const Look& look);
};

std::span<const Form> forms();
// nullptr when there is none.
const Form* find_form(std::string_view name);

// Rows that are shown to people, unless they ask for more.
constexpr std::int64_t kMostShown = 25;
// The narrowest screen that tables are fitted to.
constexpr std::size_t kLeastWidth = 40;

// What `json` writes, and its JSON Schema: every member of every answer to a question with these tables. `at` is the
// place of the schema in its document.
Json to_json(const Report& report);
Json json_schema_of(const Report& report, const std::string& at = "#");

}  // namespace fortium::report
