#include "read_folder.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <span>

#include "fortium/base/clock.h"
#include "fortium/base/files.h"

namespace fortium::legacy {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFileBytes = std::size_t{1} << 30;

enum class Pieces { lines, whole };

struct Shape {
  const char* name;  // pattern of the file's name
  Convert convert;   // nullptr: nothing in it counts
  Pieces pieces;
  const char* why;  // nothing counts
};
// In the order of reading. Of several files that tell of one session, the first is the one that says most.
constexpr Shape kShapes[] = {
    {"tool-metrics.jsonl", convert_line, Pieces::lines, ""},
    {"session-metrics.jsonl", convert_line, Pieces::lines, ""},
    {"command-metrics.jsonl", convert_line, Pieces::lines, ""},
    {"agent-metrics.jsonl", convert_line, Pieces::lines, ""},
    {"sync_queue.json", convert_queue, Pieces::whole, ""},
    {"agent_invocations_*.jsonl", convert_invocations, Pieces::whole, ""},
    {"*_summary.json", convert_summary, Pieces::whole, ""},
    {"session-history.jsonl", convert_summary, Pieces::lines, ""},
    {"*-*-*-*-*.jsonl", convert_line, Pieces::lines, ""},
    {"*-*-*-*-*.json", convert_session, Pieces::whole, ""},
    {"activity*.log", nullptr, Pieces::whole, "repeats what tool-metrics.jsonl holds, without ids and outcome"},
    {"realtime.log", nullptr, Pieces::whole, "free text without a date"},
    {"agent_performance_*.jsonl", nullptr, Pieces::whole, "memory and processor of invocations, without a time"},
    {"productivity-indicators.json", nullptr, Pieces::whole, "running totals, and no single events"},
    {"*baseline.json", nullptr, Pieces::whole, "averages, and no single events"},
    {"dashboard-data.json", nullptr, Pieces::whole, "made of the session history"},
    {"migration-*", nullptr, Pieces::whole, "a log of the tool itself"},
    {"metrics-collector.log", nullptr, Pieces::whole, "a log of the tool itself"},
    {"sync_queue.*.json", nullptr, Pieces::whole, "a copy of the queue"},
};
// What an earlier migration looked for in .agent-os and .claude themselves, where other things lie, too.
constexpr Shape kHistories[] = {
    {"metrics*.json", convert_history, Pieces::whole, ""},
    {"dashboard*.json", convert_history, Pieces::whole, ""},
    {"command-history*.json", convert_history, Pieces::whole, ""},
    {"agent-usage*.json", convert_history, Pieces::whole, ""},
    {"productivity*.json", convert_history, Pieces::whole, ""},
    {"dashboard-settings.yml", nullptr, Pieces::whole, "settings, and no events"},
};
constexpr const char* kSubfolders[] = {"", "/sessions", "/realtime", "/archives"};

bool is_root(const fs::path& folder) { return folder.filename() == ".agent-os" || folder.filename() == ".claude"; }

bool matches(const Shape& shape, const std::string& name) { return ::fnmatch(shape.name, name.c_str(), 0) == 0; }

class FileReader {
 public:
  FileReader(Found& found, const Visitor& visitor) : found_(found), visitor_(visitor) {}

  Result<void> read(const std::string& path, const Shape& shape) {
    if (shape.convert == nullptr) {
      skip(path, 0, shape.why);
      return {};
    }
    FM_TRY(const std::string text, read_file(path, kMostFileBytes));
    ++found_.files;
    found_.bytes += static_cast<std::int64_t>(text.size());
    if (shape.pieces == Pieces::whole) {
      ++found_.of_lines;
      ++found_.lines;
      keep(path, 0, with_time(path, shape.convert(text, 0)));
      return visitor_.pause();
    }
    found_.of_lines += std::count(text.begin(), text.end(), '\n') + (text.empty() || text.back() == '\n' ? 0 : 1);
    std::map<std::string_view, std::int64_t> seen;
    std::int64_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size());
      const std::string_view line = std::string_view(text).substr(at, end - at);
      at = end + 1;
      ++number;
      ++found_.lines;
      if (line.find_first_not_of(" \t\r") != line.npos) keep(path, number, shape.convert(line, seen[line]++));
      if (number % kLinesAtOnce == 0) FM_TRY_(visitor_.pause());
    }
    return visitor_.pause();
  }

 private:
  // What does not say when it was is of the time at which its file was last written.
  static std::vector<Converted> with_time(const std::string& path, std::vector<Converted> all) {
    struct stat about {};
    if (::stat(path.c_str(), &about) == 0)
      for (Converted& one : all)
        if (one.kind != nullptr && !one.record.contains("timestamp"))
          one.record["timestamp"] = to_rfc3339(from_ms(about.st_mtime * 1'000));
    return all;
  }

  void keep(const std::string& path, std::int64_t line, const std::vector<Converted>& all) {
    for (const Converted& one : all) {
      std::string why = one.kind != nullptr ? visitor_.take(one) : one.why;
      if (why.empty())
        ++found_.records;
      else
        skip(path, line, std::move(why));
    }
  }

  void skip(const std::string& path, std::int64_t line, std::string why) {
    if (++found_.skipped_count <= static_cast<std::int64_t>(kMostSkipped))
      found_.skipped.push_back({path, line, std::move(why)});
  }

  Found& found_;
  const Visitor& visitor_;
};

bool has_history(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    for (const Shape& shape : kHistories)
      if (matches(shape, at->path().filename()) && at->is_regular_file(error)) return true;
  return false;
}

}  // namespace

std::vector<std::string> metric_folders(const std::string& home, const std::string& project) {
  std::vector<std::string> folders;
  for (const std::string& folder :
       {home + "/.agent-os/metrics", home + "/.ai-mesh/metrics", home + "/.claude/metrics",
        project + "/.claude/hooks/metrics", project + "/.agent-os/metrics", project + "/.agent-os/metrics/data"}) {
    std::error_code error;
    if (!folder.starts_with("/.") && fs::is_directory(folder, error)) folders.push_back(folder);
  }
  for (const std::string& folder :
       {home + "/.agent-os", home + "/.claude", project + "/.agent-os", project + "/.claude"})
    if (!folder.starts_with("/.") && std::ranges::find(folders, folder) == folders.end() && has_history(folder))
      folders.push_back(folder);
  return folders;
}

Result<void> read_folder(const std::string& path, Found& found, const Visitor& visitor) {
  std::error_code error;
  std::vector<std::string> files;
  if (!fs::is_directory(path, error)) files.push_back(path);
  const bool root = is_root(path);
  for (const char* below : kSubfolders)
    for (fs::directory_iterator at(path + below, error), end; !error && at != end; at.increment(error))
      if (at->is_regular_file(error) && (!root || *below == '\0')) files.push_back(at->path());
  std::ranges::sort(files);
  FileReader reader(found, visitor);
  for (const std::span<const Shape> shapes : {std::span<const Shape>(kShapes), std::span<const Shape>(kHistories)})
    for (const Shape& shape : shapes)
      for (std::string& file : files) {
        if (file.empty() || (root && shapes.data() == kShapes) || !matches(shape, fs::path(file).filename())) continue;
        FM_TRY_(reader.read(file, shape));
        file.clear();  // read
      }
  return {};
}

}  // namespace fortium::legacy
