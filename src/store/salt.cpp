#include "salt.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "fortium/base/files.h"

namespace fortium::store {

namespace {

constexpr std::size_t kSaltBytes = 16;

constexpr std::size_t kMostBytes = 1 << 10;

Result<std::string> read_salt(const std::string& path) {
  auto salt = read_file(path, kMostBytes);
  if (salt && salt->empty()) return Error{Errc::corrupt, path + " is empty"};
  return salt;
}

}  // namespace

Result<std::string> salt_of(const std::string& data_dir, Entropy& entropy) {
  const std::string path = data_dir + "/salt";
  if (auto known = read_salt(path); known || known.error().code != Errc::not_found) return known;
  FM_TRY_(make_private_dir(data_dir));
  const std::string fresh = path + "." + random_hex(kSaltBytes / 2, entropy) + ".new";
  FM_TRY_(write_file(fresh, random_hex(kSaltBytes, entropy)));
  const bool made = ::link(fresh.c_str(), path.c_str()) == 0 || errno == EEXIST;
  const Error error = file_error("make", path);
  ::unlink(fresh.c_str());
  if (!made) return error;
  FM_TRY_(sync_dir(data_dir));
  return read_salt(path);
}

}  // namespace fortium::store
