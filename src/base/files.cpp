#include "fortium/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace fortium {

Error file_error(std::string_view doing, const std::string& path) {
  const Errc code = errno == ENOSPC || errno == EDQUOT ? Errc::full : Errc::unavailable;
  return {code, "cannot " + std::string(doing) + " " + path + ": " + std::strerror(errno)};
}

Result<void> write_synced(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("write", path);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return file_error("sync", path);
  return {};
}

Result<void> make_private_dir(const std::string& path) {
  if (path.empty()) return {};  // where we are
  const std::string above = std::filesystem::path(path).parent_path();
  bool made = ::mkdir(path.c_str(), 0700) == 0;
  if (!made && errno == ENOENT) {
    if (above.empty() || above == path) return file_error("make", path);
    FM_TRY_(make_private_dir(above));
    made = ::mkdir(path.c_str(), 0700) == 0;
  }
  if (made) {
    (void)sync_dir(above);  // where that may not be read, the system's own time must do
    return {};
  }
  if (errno != EEXIST) return file_error("make", path);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return file_error("use", path);
  if (!S_ISDIR(info.st_mode)) return Error{Errc::unavailable, path + " is not a directory"};
  return {};
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return Error{Errc::not_found, path + " does not exist"};
    return file_error("read", path);
  }
  std::string text;
  char buffer[16384];
  while (true) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const Error error = file_error("read", path);
      ::close(fd);
      return error;
    }
    if (n == 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > limit) {
      ::close(fd);
      return Error{Errc::invalid, path + " is larger than " + std::to_string(limit) + " bytes"};
    }
  }
  ::close(fd);
  return text;
}

Result<void> write_file(const std::string& path, std::string_view text) {
  const std::string fresh = path + "." + std::to_string(::getpid()) + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return file_error("write", fresh);
  Result<void> done = write_synced(fd, text, fresh);
  ::close(fd);
  if (done && ::rename(fresh.c_str(), path.c_str()) != 0) done = file_error("replace", path);
  if (!done) {
    ::unlink(fresh.c_str());
    return done;
  }
  return sync_dir(std::filesystem::path(path).parent_path());
}

Result<void> sync_dir(const std::string& path) {
  const int fd = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return file_error("open", path);
  const bool ok = ::fsync(fd) == 0;
  const Error error = file_error("sync", path);
  ::close(fd);
  if (!ok) return error;
  return {};
}

std::string_view network_file_system(const std::string& path) {
  // Magic numbers of statfs(2).
  constexpr std::pair<std::uint32_t, std::string_view> kNetwork[] = {
      {0x6969, "NFS"},      {0x517B, "SMB"},     {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB"},    {0x01021997, "9p"},
      {0x65735546, "FUSE"}, {0x5346414F, "AFS"}, {0x00C36400, "Ceph"}, {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"}};
  struct statfs info {};
  std::string there = path;
  while (::statfs(there.c_str(), &info) != 0) {
    const std::string above = std::filesystem::path(there).parent_path();
    if (errno != ENOENT || above == there) return {};
    there = above.empty() ? "." : above;
  }
  for (const auto& [type, name] : kNetwork)
    if (static_cast<std::uint32_t>(info.f_type) == type) return name;
  return {};
}

}  // namespace fortium
