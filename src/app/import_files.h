// Files of records: JSON lines and CSV, as `export` writes them. One instance belongs to one thread.
#pragma once

#include <functional>
#include <istream>
#include <string>
#include <variant>

#include "fortium/base/json.h"
#include "fortium/metrics/kind.h"

namespace fortium::app {

struct FileVisitor {
  std::function<Result<void>(const metrics::Kind& kind, const Json& record, std::int64_t line)> take;
  std::function<void(std::int64_t line, std::string why)> skip;
};

// One record a line, with its "kind".
Result<void> read_record_lines(std::istream& input, const FileVisitor& visitor);
// RFC 4180; the first row names the columns, of which `kind` must be one. An empty cell is an absent field.
Result<void> read_table(std::istream& input, const FileVisitor& visitor);

}  // namespace fortium::app
