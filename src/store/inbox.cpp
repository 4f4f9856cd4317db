#include "inbox.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "checked_line.h"
#include "fortium/base/files.h"
#include "fortium/base/log.h"

namespace fortium::store {

namespace {

constexpr std::size_t kNameDigits = 16;
constexpr off_t kFirst = kNameDigits + 1;  // where the first line begins: after the name and an end of line
constexpr std::size_t kMostRead = 1 << 20;
constexpr std::string_view kNoName = "?";  // of a file whose begin is damaged; its lines have checksums of their own

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  // False: others hold it the other way.
  bool lock(int how) const { return ::flock(fd_, how | LOCK_NB) == 0; }
  off_t size() const {
    struct stat info {};
    return ::fstat(fd_, &info) == 0 ? info.st_size : 0;
  }

 private:
  const int fd_;
};

// Written and synced once the file's own name was: who can read it may count on both.
std::optional<std::string> name_of(const File& file) {
  char head[kFirst] = {};
  if (::pread(file.get(), head, sizeof head, 0) != kFirst || head[kNameDigits] != '\n') return std::nullopt;
  const std::string name(head, kNameDigits);
  const bool whole = name.find_first_not_of("0123456789abcdef") == name.npos;
  return whole ? std::optional(name) : std::nullopt;
}

std::string mark_of(const std::string& name, off_t at) { return name + " " + std::to_string(at); }

off_t place_of(std::string_view mark, std::string_view name) {
  off_t at = kFirst;
  if (mark.size() > name.size() && mark.starts_with(name) && mark[name.size()] == ' ')
    std::from_chars(mark.data() + name.size() + 1, mark.data() + mark.size(), at);
  return std::max(at, kFirst);
}

std::string line_of(const metrics::Note& note, const Destination& to) {
  return checked_line(R"({"to":)" + to_json(to) + R"(,"session_id":)" + json_string(note.session_id) + R"(,"note":)" +
                      note.text + "}");
}

std::optional<Left> read_line(std::string_view line) {
  const auto json = read_checked_line(line);
  if (!json || !json->contains("to") || !json->contains("note") || !json->contains("session_id")) return std::nullopt;
  const Json& session = (*json)["session_id"];
  if (!session.is_string()) return std::nullopt;
  return Left{{session.get<std::string>(), dump_json((*json)["note"])}, destination_from((*json)["to"]), ""};
}

}  // namespace

Result<void> Inbox::leave(const metrics::Note& note, const Destination& to) const {
  // Somebody's torn line, if there is one, ends before ours.
  const std::string text = "\n" + line_of(note, to);
  if (text.size() > kMostNoteBytes) return Error{Errc::invalid, "what is told is larger than an event may be"};
  const File file(path_, O_RDWR | O_APPEND);
  if (file.get() < 0) return file_error("open", path_);
  if (!file.lock(LOCK_SH)) return Error{Errc::busy, path_ + " is being emptied"};
  if (!name_of(file)) return Error{Errc::unavailable, path_ + " was not begun"};
  // One call: others append, too.
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written < 0) return file_error("write", path_);
  if (static_cast<std::size_t>(written) < text.size()) return Error{Errc::full, path_ + " took half a line"};
  if (durability_ == Durability::full && ::fdatasync(file.get()) != 0) return file_error("sync", path_);
  return {};
}

Inbox::State Inbox::state() const {
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0) return {};
  return {info.st_size, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec};
}

Result<Inbox::Lines> Inbox::read(std::string_view mark) const {
  Lines out{{}, std::string(mark), true};
  const File file(path_, O_RDONLY);
  if (file.get() < 0 && errno == ENOENT) return out;
  if (file.get() < 0) return file_error("open", path_);
  const std::string name = name_of(file).value_or(std::string(kNoName));
  off_t at = place_of(mark, name);
  if (at > file.size()) at = kFirst;  // brought back from elsewhere; what was taken is known by its ids
  std::string text(std::min(static_cast<std::size_t>(std::max(file.size() - at, off_t{0})), kMostRead), '\0');
  const ssize_t got = ::pread(file.get(), text.data(), text.size(), at);
  if (got < 0) return file_error("read", path_);
  text.resize(static_cast<std::size_t>(got));
  out.all = text.size() < kMostRead;
  // Before a mark says that it was taken: who writes just now may not have come so far.
  if (!text.empty() && durability_ == Durability::full && ::fdatasync(file.get()) != 0)
    return file_error("sync", path_);
  const auto whole = text.rfind('\n');
  // Longer than any line: nothing that anybody wrote.
  if (whole == text.npos && !out.all) out.end = mark_of(name, at + static_cast<off_t>(kMostRead));
  for (std::size_t from = 0; whole != text.npos && from <= whole;) {
    const std::size_t end = text.find('\n', from);
    const std::string_view line = std::string_view(text).substr(from, end - from);
    from = end + 1;
    out.end = mark_of(name, at + static_cast<off_t>(from));
    if (line.empty()) continue;
    std::optional<Left> left = read_line(line);
    if (!left) {
      log_info("inbox: a line that was not finished was passed over");
      continue;
    }
    left->mark = out.end;
    out.lines.push_back(std::move(*left));
  }
  return out;
}

bool Inbox::is_well() const {
  const File file(path_, O_RDONLY);
  if (file.get() >= 0) return file.size() < kMostLeft && name_of(file);
  return errno == ENOENT && !network_file_system(path_).empty();
}

Result<void> Inbox::begin(std::string_view mark, Entropy& entropy) const {
  const File file(path_, O_RDWR | O_CREAT | O_APPEND);
  if (file.get() < 0) return file_error("make", path_);
  if (!file.lock(LOCK_EX)) return {};
  if (file.size() >= kFirst) {
    FM_TRY(const Lines left, read(mark));
    if (!left.lines.empty() || !left.all) return {};
  } else {
    FM_TRY_(sync_dir(std::filesystem::path(path_).parent_path()));
  }
  if (::ftruncate(file.get(), 0) != 0) return file_error("empty", path_);
  return write_synced(file.get(), random_hex(kNameDigits / 2, entropy) + "\n", path_);
}

Result<std::string> inbox_mark(Db& db) {
  FM_TRY(Statement find, db.prepare("SELECT value FROM meta WHERE name = 'inbox'"));
  FM_TRY(const bool there, find.step());
  return std::string(there ? find.text(0) : std::string_view());
}

}  // namespace fortium::store
