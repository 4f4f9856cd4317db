#include "backup_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "fortium/base/files.h"

namespace fortium::service {

namespace {

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kMostLine = 256 * 1024 * 1024;

gzFile gz(void* file) { return static_cast<gzFile>(file); }

}  // namespace

Result<std::unique_ptr<BackupWriter>> BackupWriter::create(const std::string& path) {
  std::unique_ptr<BackupWriter> writer(new BackupWriter(path, nullptr));
  const std::string name = writer->unfinished();
  const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return file_error("cannot write", name);
  writer->file_ = gzdopen(fd, "wb6");
  return writer;
}

BackupWriter::~BackupWriter() {
  if (file_ == nullptr) return;
  gzclose(gz(file_));
  ::unlink(unfinished().c_str());
}

Result<void> BackupWriter::line(const Json& json) {
  const std::string text = dump_json(json) + "\n";
  if (gzwrite(gz(file_), text.data(), static_cast<unsigned>(text.size())) != static_cast<int>(text.size()))
    return file_error("cannot write", unfinished());
  return {};
}

Result<void> BackupWriter::done() {
  const std::string name = unfinished();
  const int closed = gzclose(gz(std::exchange(file_, nullptr)));
  const int fd = closed == Z_OK ? ::open(name.c_str(), O_RDONLY | O_CLOEXEC) : -1;
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!synced || std::rename(name.c_str(), path_.c_str()) != 0) {
    Error error = file_error("cannot write", name);
    ::unlink(name.c_str());
    return error;
  }
  return sync_dir(std::filesystem::absolute(path_).parent_path());
}

Result<void> read_backup_lines(const std::string& path, const std::function<Result<void>(const Json& line)>& take) {
  const Error damaged{Errc::corrupt, path + " is damaged, or no backup of this program"};
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return file_error("cannot read", path);
  struct Close {
    gzFile file;
    ~Close() { gzclose(file); }
  } close{file};
  std::string text, piece(kPiece, '\0');
  while (true) {
    const int got = gzread(file, piece.data(), static_cast<unsigned>(piece.size()));
    if (got < 0) return damaged;
    if (got == 0) break;
    text.append(piece, 0, static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', begin)) {
      const auto json = parse_json(std::string_view(text).substr(begin, end - begin));
      if (!json || !json->is_object()) return damaged;
      FM_TRY_(take(*json));
      begin = end + 1;
    }
    text.erase(0, begin);
    if (text.size() > kMostLine) return damaged;
  }
  return text.empty() ? Result<void>() : Result<void>(damaged);
}

}  // namespace fortium::service
