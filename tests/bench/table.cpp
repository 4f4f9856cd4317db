#include "table.h"

#include <linux/magic.h>
#include <sched.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace bench {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kColumns = 7;
using Line = std::array<std::string, kColumns>;
constexpr std::size_t kFirstFigure = 1, kLastFigure = 4;  // these are flush right

std::string print(const char* format, double figure) {
  char text[64];
  std::snprintf(text, sizeof text, format, figure);
  return text;
}

std::string figure_text(Unit unit, double figure) {
  switch (unit) {
    case Unit::milliseconds: return print("%.3f ms", figure);
    case Unit::per_second: return print("%.0f /s", figure);
    case Unit::bytes: return print("%.2f MiB", figure / 1024 / 1024);
    case Unit::count: return print("%.1f", figure);
    case Unit::percent: return print("%.2f %%", figure);
  }
  return {};
}

std::string unit_name(Unit unit) {
  switch (unit) {
    case Unit::milliseconds: return "ms";
    case Unit::per_second: return "1/s";
    case Unit::bytes: return "bytes";
    case Unit::count: return "count";
    case Unit::percent: return "percent";
  }
  return {};
}

std::string budget_text(const Row& row) {
  if (!row.budget) return {};
  const std::string sign = row.budget->limit == Budget::Limit::at_most ? "<= " : ">= ";
  return sign + (row.budget->of == Budget::Of::ratio ? print("%.2fx", row.budget->value)
                                                     : figure_text(row.unit, row.budget->value));
}

std::string verdict(const Row& row) {
  if (!row.ours) return "not measured";
  const std::optional<bool> met = row.met();
  if (!met) return {};
  return *met ? "met" : "NOT MET";
}

Line line_of(const Row& row) {
  const std::optional<double> ratio = row.ratio();
  return {row.name,
          row.ours ? figure_text(row.unit, *row.ours) : "-",
          row.floor ? figure_text(row.unit, *row.floor) : "-",
          ratio ? print("%.2fx", *ratio) : "-",
          budget_text(row),
          verdict(row),
          row.note};
}

std::string aligned(const std::vector<Line>& lines) {
  std::array<std::size_t, kColumns> widths = {};
  for (const Line& line : lines)
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string out;
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      const std::string space(widths[i] - line[i].size(), ' ');
      const bool right = i >= kFirstFigure && i <= kLastFigure;
      out += right ? space + line[i] : line[i] + space;
      out += "  ";
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json json_of(const Row& row) {
  Json budget;
  if (row.budget)
    budget = {{"of", row.budget->of == Budget::Of::ratio ? "ratio" : "ours"},
              {row.budget->limit == Budget::Limit::at_most ? "at_most" : "at_least", row.budget->value}};
  return {{"name", row.name},
          {"unit", unit_name(row.unit)},
          {"ours", or_null(row.ours)},
          {"floor", or_null(row.floor)},
          {"ratio", or_null(row.ratio())},
          {"budget", budget},
          {"met", or_null(row.met())},
          {"note", row.note}};
}

std::string file_system_of(const std::string& folder) {
  struct statfs about = {};
  if (statfs(folder.c_str(), &about) != 0) return "unknown";
  switch (static_cast<unsigned long>(about.f_type)) {
    case EXT4_SUPER_MAGIC: return "ext4";
    case XFS_SUPER_MAGIC: return "xfs";
    case BTRFS_SUPER_MAGIC: return "btrfs";
    case OVERLAYFS_SUPER_MAGIC: return "overlay";
    case TMPFS_MAGIC: return "tmpfs: nothing waits for a disk here, the figures say little";
    default: return print("type 0x%.0f", static_cast<double>(about.f_type));
  }
}

}  // namespace

Machine this_machine(const std::string& folder) {
  utsname name = {};
  uname(&name);
  double load = 0;
  getloadavg(&load, 1);
  cpu_set_t usable;
  CPU_ZERO(&usable);
  sched_getaffinity(0, sizeof usable, &usable);
  return {.system = std::string(name.sysname) + " " + name.release,
          .processors = sysconf(_SC_NPROCESSORS_ONLN),
          .usable = CPU_COUNT(&usable),
          .load = load,
          .file_system = file_system_of(folder)};
}

std::string as_table(const Machine& machine, const std::vector<Result>& results) {
  std::vector<Line> lines = {{"measure", "ours", "floor", "ratio", "budget", "", "note"}};
  std::string failures;
  for (const Result& result : results) {
    for (const Row& row : result.rows) lines.push_back(line_of(row));
    if (!result.failure.empty()) failures += "FAILED " + result.measure + ": " + result.failure + "\n";
  }
  const std::string cores =
      std::to_string(machine.processors) + " processors (" + std::to_string(machine.usable) + " used)";
  const std::string where =
      machine.system + ", " + cores + ", load " + print("%.1f", machine.load) + ", stores on " + machine.file_system;
  return where + "\n\n" + aligned(lines) + failures;
}

std::string as_json(const Machine& machine, const std::vector<Result>& results, bool quick) {
  Json rows = Json::array();
  Json failures = Json::array();
  for (const Result& result : results) {
    for (const Row& row : result.rows) {
      Json entry = {{"measure", result.measure}};
      entry.update(json_of(row));
      rows.push_back(std::move(entry));
    }
    if (!result.failure.empty()) failures.push_back({{"measure", result.measure}, {"why", result.failure}});
  }
  const Json document = {{"machine",
                          {{"system", machine.system},
                           {"processors", machine.processors},
                           {"used", machine.usable},
                           {"load", machine.load},
                           {"file_system", machine.file_system}}},
                         {"quick", quick},
                         {"rows", rows},
                         {"failures", failures}};
  return document.dump(2) + "\n";
}

}  // namespace bench
