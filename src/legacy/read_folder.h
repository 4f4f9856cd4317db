// Reads what the documented predecessors left in their folders: which file has which shape is one table.
//
// Old files are never changed. One instance belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "convert.h"
#include "fortium/base/result.h"

namespace fortium::legacy {

constexpr std::size_t kMostSkipped = 100;  // named one by one
constexpr std::int64_t kLinesAtOnce = 200;

struct Skipped {
  std::string file;
  std::int64_t line = 0;  // 0: the file as a whole
  std::string why;
};
// How far it is.
struct Found {
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::int64_t lines = 0;     // read
  std::int64_t of_lines = 0;  // in the files opened so far
  std::int64_t records = 0;
  std::int64_t skipped_count = 0;
  std::vector<Skipped> skipped;  // the first kMostSkipped of them
};
struct Visitor {
  // Takes a record; says why not, if it does not.
  std::function<std::string(const Converted& record)> take;
  // After every kLinesAtOnce lines and at the end of a file. An error ends the reading.
  std::function<Result<void>()> pause;
};

// The documented folders below a home and a project folder; those that exist.
std::vector<std::string> metric_folders(const std::string& home, const std::string& project);
// Reads one folder with its documented subfolders, or one file. What no shape is known for is left alone; what is known
// to hold nothing that could be counted is named as skipped.
Result<void> read_folder(const std::string& path, Found& found, const Visitor& visitor);

}  // namespace fortium::legacy
