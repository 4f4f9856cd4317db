#include "find_transcripts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>

namespace fortium::claude {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSubagents = "/subagents/";

// Of the folder of subagents, the session's own transcript.
std::string session_of(const std::string& path) {
  const auto at = path.rfind(kSubagents);
  return at == path.npos ? path : path.substr(0, at) + ".jsonl";
}

std::string first_time(const std::string& path) {
  constexpr std::string_view kName = "\"timestamp\":";
  constexpr std::size_t kHead = 65'536, kLength = 24;  // "2026-01-02T03:04:05.678Z"
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::string head(kHead, '\0');
  const ssize_t size = ::read(file, head.data(), head.size());
  ::close(file);
  head.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  const auto at = head.find(kName);
  if (at == head.npos) return {};
  const auto quote = head.find('"', at + kName.size());
  return quote == head.npos ? std::string() : head.substr(quote + 1, kLength);
}

}  // namespace

std::vector<std::string> transcript_roots(const std::string& home, const std::string& config_dirs) {
  std::vector<std::string> folders;
  for (std::size_t at = 0; at < config_dirs.size();) {
    const auto end = std::min(config_dirs.find(',', at), config_dirs.size());
    if (end > at) folders.push_back(config_dirs.substr(at, end - at));
    at = end + 1;
  }
  if (!home.empty()) {
    if (folders.empty()) folders.push_back(home + "/.claude");
    folders.push_back(home + "/.config/claude");
  }
  std::vector<std::string> roots;
  for (const std::string& folder : folders) {
    std::error_code error;
    const fs::path real = fs::canonical(folder + "/projects", error);
    if (!error && fs::is_directory(real, error) && std::ranges::find(roots, real.string()) == roots.end())
      roots.push_back(real.string());
  }
  return roots;
}

std::vector<std::string> transcripts_of(const std::vector<std::string>& roots, const std::string& session) {
  std::vector<std::string> found;
  if (session.empty() || session.find('/') != session.npos) return found;
  for (const std::string& root : roots) {
    std::error_code error;
    for (fs::directory_iterator at(root, error); !error && at != fs::directory_iterator(); at.increment(error))
      if (const fs::path path = at->path() / (session + ".jsonl"); ::access(path.c_str(), R_OK) == 0)
        found.push_back(path.string());
  }
  return found;
}

std::vector<SessionFiles> find_transcripts(const std::vector<std::string>& paths,
                                           const std::function<void(const std::string& path, std::string why)>& tell) {
  std::map<std::string, SessionFiles> sessions;
  std::set<std::string> seen;
  const auto add = [&](const fs::path& path) {
    std::error_code error;
    const std::string real = fs::canonical(path, error).string();
    struct stat about {};
    if (error || ::stat(real.c_str(), &about) != 0) return tell(path.string(), "cannot be read: " + error.message());
    if (!S_ISREG(about.st_mode) || !seen.insert(real).second) return;
    TranscriptFile file{real, about.st_ino, about.st_size,
                        about.st_mtim.tv_sec * 1'000 + about.st_mtim.tv_nsec / 1'000'000,
                        real.find(kSubagents) == real.npos};
    sessions[session_of(real)].files.push_back(std::move(file));
  };
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      add(path);
      continue;
    }
    fs::recursive_directory_iterator at(path, fs::directory_options::skip_permission_denied, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error))
      if (at->path().extension() == ".jsonl") add(at->path());
    if (error) tell(path, "cannot be read: " + error.message());
  }
  std::vector<SessionFiles> all;
  for (auto& [name, session] : sessions) {
    std::ranges::stable_sort(session.files, [](const TranscriptFile& a, const TranscriptFile& b) {
      return std::pair(!a.main, a.path) < std::pair(!b.main, b.path);
    });
    session.first_time = first_time(session.files.front().path);
    all.push_back(std::move(session));
  }
  std::ranges::stable_sort(all, {}, &SessionFiles::first_time);
  return all;
}

}  // namespace fortium::claude
