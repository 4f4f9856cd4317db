#include "spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "checked_line.h"
#include "fortium/base/files.h"
#include "fortium/base/log.h"
#include "sqlite_store.h"

namespace fortium::store {

using metrics::Event;

namespace {

constexpr std::string_view kSuffix = ".jsonl";
constexpr std::size_t kMostFileBytes = std::size_t{1} << 30;

// {"to":{…},"record":{"kind":…}}, checked
std::string line_of(const Event& event, const Destination& to) {
  std::string json = R"({"to":)" + to_json(to) + R"(,"record":)";
  append_wire(json, event, /*named=*/true);
  return checked_line(json + "}");
}

struct Line {
  Event event;
  Destination to;
};

std::optional<Line> read_line(std::string_view line) {
  const auto parsed = read_checked_line(line);
  if (!parsed || !parsed->contains("record") || !parsed->contains("to")) return std::nullopt;
  const Json& record = (*parsed)["record"];
  if (!record.is_object() || !record.contains("kind") || !record["kind"].is_string()) return std::nullopt;
  const metrics::Kind* kind = metrics::find_kind(record["kind"].get_ref<const std::string&>());
  if (kind == nullptr) return std::nullopt;
  schema::Checked checked = check_event(*kind, record, kAnyTime);
  if (!checked.ok()) return std::nullopt;
  return Line{{kind, std::move(checked.row)}, destination_from((*parsed)["to"])};
}

std::vector<std::string> files_in(const std::string& dir) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error))
    if (entry.path().extension() == kSuffix) paths.push_back(entry.path());
  std::ranges::sort(paths);
  return paths;
}

// What was acknowledged of a file: all of it, or as much as its name says ("1-ab.4096.jsonl").
Result<std::string> read_spooled(const std::string& path) {
  FM_TRY(std::string text, read_file(path, kMostFileBytes));
  std::string stem = std::filesystem::path(path).stem();
  const auto dot = stem.rfind('.');
  if (dot == stem.npos) return text;
  std::size_t good = 0;
  const auto [end, code] = std::from_chars(stem.data() + dot + 1, stem.data() + stem.size(), good);
  if (code == std::errc() && end == stem.data() + stem.size() && good < text.size()) text.resize(good);
  return text;
}

}  // namespace

Spool::~Spool() { close(); }

void Spool::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<void> Spool::open() {
  FM_TRY_(make_private_dir(dir_));
  if (std::filesystem::is_symlink(dir_)) return Error{Errc::unavailable, dir_ + " is a link to somewhere else"};
  for (bool ours = false; !ours;) {
    close();
    path_ = dir_ + "/" + std::to_string(::getpid()) + "-" + random_hex(8, entropy_) + std::string(kSuffix);
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd_ < 0) return Error{Errc::unavailable, "cannot make " + path_ + ": " + std::strerror(errno)};
    // Who merges just then may have been first, and removes the file as an empty one of somebody dead.
    struct stat info {};
    const bool taken = ::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ours = !taken && ::fstat(fd_, &info) == 0 && info.st_nlink > 0;
  }
  return sync_dir(dir_);
}

Result<void> Spool::append(std::span<const Event> events, const Destination& to) {
  if (fd_ < 0) FM_TRY_(open());
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  std::string text;
  for (const Event& event : events) text += line_of(event, to);
  std::string_view left = text;
  bool ok = true;
  while (ok && !left.empty()) {
    const ssize_t n = ::write(fd_, left.data(), left.size());
    if (n >= 0)
      left.remove_prefix(static_cast<std::size_t>(n));
    else if (errno != EINTR)
      ok = false;
  }
  ok = ok && ::fdatasync(fd_) == 0;
  if (ok) return {};
  const Error error{errno == ENOSPC || errno == EDQUOT ? Errc::full : Errc::unavailable,
                    std::string("cannot write the spool: ") + std::strerror(errno)};
  cut_back(before);
  return error;
}

// What was not acknowledged must not be counted. After a failed sync nothing about this file is certain, so the next
// record gets a new one.
void Spool::cut_back(off_t before) {
  if (::ftruncate(fd_, before) != 0 || ::fdatasync(fd_) != 0) {
    const std::string marked =
        path_.substr(0, path_.size() - kSuffix.size()) + "." + std::to_string(before) + std::string(kSuffix);
    const bool done = before == 0 ? ::unlink(path_.c_str()) == 0 : ::rename(path_.c_str(), marked.c_str()) == 0;
    if (!done || !sync_dir(dir_)) log_warn("the spool could not be cut back");
  }
  close();
}

Result<std::int64_t> Spool::merge(const Take& take) {
  std::int64_t taken = 0;
  close();
  for (const std::string& path : files_in(dir_)) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {  // its writer lives
      ::close(fd);
      continue;
    }
    auto text = read_spooled(path);
    Result<void> done = text ? Result<void>() : Result<void>(text.error());
    std::string damaged;
    std::vector<Event> events;
    std::optional<Destination> to;
    const auto flush = [&] {
      if (done && !events.empty()) done = take(events, *to);
      if (done) taken += static_cast<std::int64_t>(events.size());
      events.clear();
    };
    for (std::size_t at = 0; text && at < text->size();) {
      const auto end = std::min(text->find('\n', at), text->size());
      const std::string_view line = std::string_view(*text).substr(at, end - at);
      at = end + 1;
      std::optional<Line> read = read_line(line);
      if (!read) {
        damaged += std::string(line) + "\n";
        continue;
      }
      if (to && !(*to == read->to)) flush();
      to = read->to;
      events.push_back(std::move(read->event));
    }
    flush();
    if (done && !damaged.empty()) {
      log_warn("spool: kept damaged lines in " + path + ".damaged");
      done = write_file(path + ".damaged", damaged);
    }
    if (done) ::unlink(path.c_str());
    ::close(fd);
    if (!done) return std::move(done).error();
  }
  return taken;
}

std::int64_t Spool::count() const {
  std::int64_t lines = 0;
  for (const std::string& path : files_in(dir_))
    if (const auto text = read_spooled(path)) lines += std::ranges::count(*text, '\n');
  return lines;
}

}  // namespace fortium::store
