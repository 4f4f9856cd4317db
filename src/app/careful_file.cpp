#include "careful_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "fortium/base/files.h"
#include "fortium/base/hash.h"

namespace fortium::app {

namespace {

constexpr std::size_t kMost = 64 << 20;  // bytes of one file

Result<void> still_the_same(const FileState& state) {
  const auto now = read_file(state.real, kMost);
  const bool same = now ? state.exists && *now == state.text : !state.exists && now.error().code == Errc::not_found;
  if (same) return {};
  return Error{Errc::conflict, state.path + " was changed meanwhile; run it again"};
}

std::optional<std::string> kept(const std::string& path) {
  auto text = read_file(path, kMost);
  if (!text) return std::nullopt;
  return *std::move(text);
}

}  // namespace

Result<FileState> look_at(const std::string& path) {
  FileState state{.path = path, .real = path};
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return state;
    return file_error("use", path);
  }
  if (S_ISLNK(info.st_mode)) {
    char* real = ::realpath(path.c_str(), nullptr);
    if (real == nullptr)
      return Error{Errc::unavailable, path + " is a link to nowhere; remove it, or make what it points to"};
    state.real = real;
    std::free(real);
    if (::stat(state.real.c_str(), &info) != 0) return file_error("use", state.real);
  }
  if (!S_ISREG(info.st_mode)) return Error{Errc::unavailable, path + " is not a file"};
  state.read_only = (info.st_mode & 0222) == 0 || ::access(state.real.c_str(), W_OK) != 0;
  FM_TRY(state.text, read_file(state.real, kMost));
  state.exists = true;
  state.mode = info.st_mode & 07777;
  return state;
}

Result<void> replace_file(const FileState& state, std::string_view text) {
  FM_TRY_(make_private_dir(std::filesystem::path(state.real).parent_path()));
  const std::string fresh = state.real + "." + std::to_string(::getpid()) + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return file_error("write", fresh);
  struct stat was {};
  if (state.exists && ::stat(state.real.c_str(), &was) == 0 && (was.st_uid != ::geteuid() || was.st_gid != ::getegid()))
    (void)!::fchown(fd, was.st_uid, was.st_gid);  // where that is not allowed, it is ours from now on
  Result<void> done = ::fchmod(fd, state.mode) == 0 ? Result<void>() : file_error("set the mode of", fresh);
  if (done) done = write_synced(fd, text, fresh);
  ::close(fd);
  if (done) done = still_the_same(state);  // the last look, right before it takes effect
  if (done && ::rename(fresh.c_str(), state.real.c_str()) != 0) done = file_error("replace", state.real);
  if (done) return sync_dir(std::filesystem::path(state.real).parent_path());
  ::unlink(fresh.c_str());
  return done;
}

Result<void> remove_file(const FileState& state) {
  FM_TRY_(still_the_same(state));
  if (::unlink(state.path.c_str()) != 0) return file_error("remove", state.path);
  return sync_dir(std::filesystem::path(state.path).parent_path());
}

Backup::Backup(const std::string& data_dir, std::string_view purpose, const FileState& state)
    : path_(std::filesystem::absolute(state.real)) {
  const Sha256 hash = sha256(std::string(purpose) + "\n" + path_);
  dir_ = data_dir + "/claude-code/" + to_hex(hash.data(), 8);
  after_ = kept(dir_ + "/after");
  if (after_) before_ = kept(dir_ + "/before");
}

Result<void> Backup::save(const std::optional<std::string>& before, std::string_view after) {
  FM_TRY_(make_private_dir(dir_));
  FM_TRY_(write_file(dir_ + "/path", path_ + "\n"));
  if (before)
    FM_TRY_(write_file(dir_ + "/before", *before));
  else
    ::unlink((dir_ + "/before").c_str());
  return write_file(dir_ + "/after", after);
}

void Backup::forget() {
  std::error_code ignored;  // what is left is told by nobody and harms nobody
  std::filesystem::remove_all(dir_, ignored);
}

}  // namespace fortium::app
