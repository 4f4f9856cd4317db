#include "watched_vfs.h"

#include <sqlite3.h>

#include <algorithm>

namespace fortium::test {

namespace {

Watched g_watched;

struct File {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real(); }

int close(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }
int read(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), to, size, at);
}
int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  if (g_watched.writes_until_failure == 0) return SQLITE_IOERR_WRITE;
  if (g_watched.writes_until_failure > 0) --g_watched.writes_until_failure;
  const auto* bytes = static_cast<const char*>(from);
  const bool zeros = std::all_of(bytes, bytes + size, [](char c) { return c == 0; });
  if (zeros && g_watched.refuse_zeros) return SQLITE_FULL;
  g_watched.calls.push_back({false, at, size, zeros});
  return real(file)->pMethods->xWrite(real(file), from, size, at);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) { return real(file)->pMethods->xTruncate(real(file), size); }
int sync(sqlite3_file* file, int flags) {
  g_watched.calls.push_back({true, 0, 0});
  return real(file)->pMethods->xSync(real(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) { return real(file)->pMethods->xFileSize(real(file), size); }
int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
int check_lock(sqlite3_file* file, int* out) { return real(file)->pMethods->xCheckReservedLock(real(file), out); }
int control(sqlite3_file* file, int operation, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int characteristics(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }

constexpr sqlite3_io_methods kMethods = {.iVersion = 1,
                                         .xClose = close,
                                         .xRead = read,
                                         .xWrite = write,
                                         .xTruncate = truncate,
                                         .xSync = sync,
                                         .xFileSize = file_size,
                                         .xLock = lock,
                                         .xUnlock = unlock,
                                         .xCheckReservedLock = check_lock,
                                         .xFileControl = control,
                                         .xSectorSize = sector_size,
                                         .xDeviceCharacteristics = characteristics};

sqlite3_vfs* g_real = nullptr;

int open(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  if ((flags & SQLITE_OPEN_WAL) == 0) return g_real->xOpen(g_real, name, file, flags, flags_out);
  file->pMethods = nullptr;
  const int code = g_real->xOpen(g_real, name, real(file), flags, flags_out);
  if (code == SQLITE_OK) file->pMethods = &kMethods;
  return code;
}

bool register_layer() {
  g_real = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs vfs = *g_real;
  vfs.pNext = nullptr;
  vfs.zName = "watched";
  vfs.szOsFile += static_cast<int>(sizeof(File));
  vfs.xOpen = open;
  return sqlite3_vfs_register(&vfs, /*makeDflt=*/1) == SQLITE_OK;
}

}  // namespace

Watched& watch_logs() {
  static const bool registered = register_layer();
  (void)registered;
  return g_watched;
}

}  // namespace fortium::test
