// What people see: tables on standard output, a progress bar on standard error. Colour and bars only on a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/report/render.h"
#include "fortium/report/words.h"

namespace fortium::app {

using report::human_bytes;
using report::human_ms;
using report::width_of;
using report::with_thousands;

// Columns as wide as their longest cell; numbers (right) to the right.
class Table {
 public:
  enum class Align { left, right };
  void column(std::string title, Align align = Align::left);
  void row(std::vector<std::string> cells);
  std::string text() const;

 private:
  struct Column {
    std::string title;
    Align align;
  };
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// What standard output can show: its width (else what COLUMNS says, also where the output goes elsewhere), whether the
// locale has Unicode, and colour on terminals that have it, unless NO_COLOR is set.
report::Look look_of_terminal();

// A bar that is drawn over itself on a terminal, and a line every few seconds elsewhere.
class Progress {
 public:
  Progress(std::string what, std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(std::int64_t done, std::int64_t now_ms);

 private:
  const std::string what_;
  const std::int64_t total_;
  const bool terminal_;
  std::int64_t started_ms_ = -1, shown_ms_ = -1;
  bool drawn_ = false;
};

}  // namespace fortium::app
