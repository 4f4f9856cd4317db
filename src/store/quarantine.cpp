#include "quarantine.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "database.h"
#include "fortium/base/entropy.h"
#include "fortium/base/files.h"
#include "fortium/metrics/kind.h"
#include "migrations.h"

namespace fortium::store {

namespace {

// The database first: without it, the log is orphaned.
constexpr std::array<const char*, 4> kParts = {"", "-wal", "-shm", "-journal"};
constexpr const char* kWhy = "/why.txt";
constexpr const char* kSalvaged = "/salvaged.txt";
constexpr std::size_t kMostText = 64 << 10;
constexpr int kMostTries = 100;

std::int64_t size_of(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_size : -1;
}

bool exists(const std::string& path) { return size_of(path) >= 0; }

std::vector<std::string> folders_in(const std::string& dir) {
  std::vector<std::string> folders;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error))
    if (entry.is_directory(error) && !entry.is_symlink(error)) folders.push_back(entry.path());
  std::ranges::sort(folders);
  return folders;
}

// A folder of its own; or the one that a move which was broken off has left.
Result<std::string> folder_for(const std::string& path, const std::string& dir, WallTime now) {
  FM_TRY_(make_private_dir(dir));
  if (!exists(path))
    for (const std::string& folder : folders_in(dir))
      if (!exists(folder + kWhy)) return folder;
  std::string name = to_rfc3339(now);
  std::ranges::replace(name, ':', '-');
  for (int i = 0; i < kMostTries; ++i) {
    const std::string folder = dir + "/" + name + (i == 0 ? "" : "-" + std::to_string(i));
    if (::mkdir(folder.c_str(), 0700) == 0) return folder;
    if (errno != EEXIST) return Error{Errc::unavailable, "cannot make " + folder + ": " + std::strerror(errno)};
  }
  return Error{Errc::unavailable, "cannot make a folder in " + dir};
}

std::string big_endian(std::uint32_t number) {
  std::string bytes(4, '\0');
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(number >> (24 - 8 * i));
  return bytes;
}

// The first 100 bytes of any store that this program made (sqlite.org/fileformat.html#the_database_header), without a
// list of free pages.
std::string file_header(std::uint32_t pages) {
  constexpr std::uint32_t kCounter = 1, kCookie = 1, kFormat = 4, kUtf8 = 1, kLibrary = 3'040'001;
  std::string header("SQLite format 3\0\0\0\x02\x02\0\x40\x20\x20", 24);
  header[16] = static_cast<char>(kPageBytes >> 8);
  for (const std::uint32_t word :
       {kCounter, pages, 0U, 0U, kCookie, kFormat, 0U, 0U, kUtf8, static_cast<std::uint32_t>(kSchemaVersion), 0U, 0U,
        0U, 0U, 0U, 0U, 0U, kCounter, kLibrary})
    header += big_endian(word);
  return header;
}

// A copy of the database that differs in its header, and of its log.
Result<std::string> with_new_header(const std::string& dir) {
  const std::string from = dir + "/metrics.db", to = dir + "/mended.db";
  std::error_code error;
  const auto replace = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::copy_file(from, to, replace, error);
  if (!error && exists(from + "-wal")) std::filesystem::copy_file(from + "-wal", to + "-wal", replace, error);
  std::fstream file(to, std::ios::binary | std::ios::in | std::ios::out);
  file << file_header(static_cast<std::uint32_t>(size_of(to) / kPageBytes));
  file.close();
  if (error || !file) return Error{Errc::unavailable, "cannot copy " + from};
  return to;
}

std::string first_line(const std::string& path) {
  const auto text = read_file(path, kMostText);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

}  // namespace

Result<std::string> move_to_quarantine(const std::string& path, const std::string& dir, std::string_view why,
                                       WallTime now) {
  FM_TRY(const std::string folder, folder_for(path, dir, now));
  const std::string name = std::filesystem::path(path).filename();
  for (const char* part : kParts) {
    if (!exists(path + part)) continue;
    if (std::rename((path + part).c_str(), (folder + "/" + name + part).c_str()) != 0)
      return Error{Errc::unavailable, "cannot move " + path + part + " to " + folder + ": " + std::strerror(errno)};
  }
  FM_TRY_(sync_dir(folder));
  FM_TRY_(sync_dir(std::filesystem::path(path).parent_path()));
  FM_TRY_(write_file(folder + kWhy, std::string(why) + "\n"));
  return folder;
}

bool is_orphaned_log(const std::string& path) { return size_of(path) <= 0 && size_of(path + "-wal") > 0; }

std::vector<Quarantined> list_quarantine(const std::string& dir) {
  std::vector<Quarantined> list;
  for (const std::string& folder : folders_in(dir))
    if (exists(folder + kWhy)) list.push_back({folder, first_line(folder + kWhy), first_line(folder + kSalvaged)});
  return list;
}

Result<void> note_salvaged(const std::string& dir, std::string_view what) {
  return write_file(dir + kSalvaged, std::string(what) + "\n");
}

Db open_quarantined(const std::string& dir) {
  const std::string path = dir + "/metrics.db";
  if (size_of(path) <= 0) return {};  // SQLite would throw the log away
  const auto open = [](const std::string& file) {
    auto db = Db::open(file, Db::Mode::existing);
    return db && db->integer("SELECT count(*) FROM sqlite_schema") ? std::move(*db) : Db();
  };
  if (Db db = open(path)) return db;
  const auto mended = with_new_header(dir);
  return mended ? open(*mended) : Db();
}

std::string device_of(const std::string& dir) {
  Db db = open_quarantined(dir);
  if (!db) return "";
  const auto text = [&db](const std::string& sql) -> Result<std::string> {
    FM_TRY(Statement find, db.prepare(sql));
    FM_TRY(const bool found, find.step());
    return found ? std::string(find.text(0)) : std::string();
  };
  if (const auto told = text("SELECT value FROM meta WHERE name = 'device_id'"); told && is_uuid(*told)) return *told;
  for (const metrics::Kind& kind : metrics::kinds())
    if (const auto used = text("SELECT device_id FROM " + std::string(kind.name) + " LIMIT 1"); used && is_uuid(*used))
      return *used;
  return "";
}

}  // namespace fortium::store
