#include "salt.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "fortium/base/files.h"

namespace fortium::store {

namespace {

constexpr std::size_t kDigits = 32;

// Shorter: whoever began it has not ended, or was killed.
std::string read_salt(int fd) {
  char salt[kDigits];
  const ssize_t got = ::pread(fd, salt, kDigits, 0);
  return got == static_cast<ssize_t>(kDigits) ? std::string(salt, kDigits) : std::string();
}

Result<std::string> make_salt(int fd, const std::string& path, const std::string& dir, Entropy& entropy) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return Error{Errc::busy, path + " is being made"};
  std::string salt = read_salt(fd);
  if (!salt.empty()) return salt;
  salt = random_hex(kDigits / 2, entropy);
  if (::ftruncate(fd, 0) != 0 || ::lseek(fd, 0, SEEK_SET) != 0) return file_error("make", path);
  FM_TRY_(write_synced(fd, salt, path));
  FM_TRY_(sync_dir(dir));
  return salt;
}

}  // namespace

Result<std::string> salt_of(const std::string& data_dir, Entropy& entropy) {
  const std::string path = data_dir + "/salt";
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  std::string known = fd >= 0 ? read_salt(fd) : "";
  if (fd >= 0) ::close(fd);
  if (!known.empty()) return known;
  FM_TRY_(make_private_dir(data_dir));
  fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return file_error("make", path);
  auto made = make_salt(fd, path, data_dir, entropy);
  ::close(fd);
  return made;
}

}  // namespace fortium::store
