#include "wal_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <new>
#include <string>

namespace fortium::store {

namespace {

constexpr char kName[] = "fortium-wal";
constexpr int kFrameHeader = 24;                // sqlite.org/fileformat.html#walformat
constexpr std::size_t kMostBuffered = 1 << 20;  // a transaction beyond the page cache spills: bounded memory
constexpr std::size_t kMostWritten = 64 << 10;  // SQLite's own layer takes less than 128 KiB in one call
constexpr sqlite3_int64 kGrowth = 64 << 10;     // the file grows by so much at once

// The layer's file. The real file's object follows it in the memory that SQLite gives.
struct WalFile {
  sqlite3_file base;
  std::string* pending;  // frames not yet written
  sqlite3_int64 at;      // their place in the file
  sqlite3_int64 tail;    // end of the newest write; an append begins here
  sqlite3_int64 end;     // the file had at least so many bytes; less after another process truncated it
  bool commit;           // the newest header in `pending` is that of a commit frame

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  static WalFile& of(sqlite3_file* file) { return *reinterpret_cast<WalFile*>(file); }
};

sqlite3_vfs* real_vfs() { return sqlite3_vfs_find(nullptr); }

// Zeros after what was written, if the file ends there.
void grow(WalFile& file, sqlite3_int64 written) {
  static const char kZeros[kGrowth] = {};
  sqlite3_file* real = file.real();
  if (real->pMethods->xFileSize(real, &file.end) != SQLITE_OK || file.end > written) return;
  // Without room for them nothing is lost: the frames are written.
  if (real->pMethods->xWrite(real, kZeros, static_cast<int>(kGrowth), written) == SQLITE_OK)
    file.end = written + kGrowth;
}

int flush(WalFile& file) {
  if (file.pending->empty()) return SQLITE_OK;
  int code = SQLITE_OK;
  for (std::size_t done = 0; done < file.pending->size() && code == SQLITE_OK; done += kMostWritten) {
    const std::size_t size = std::min(kMostWritten, file.pending->size() - done);
    code = file.real()->pMethods->xWrite(file.real(), file.pending->data() + done, static_cast<int>(size),
                                         file.at + static_cast<sqlite3_int64>(done));
  }
  const auto written = file.at + static_cast<sqlite3_int64>(file.pending->size());
  file.pending->clear();
  file.commit = false;
  if (code != SQLITE_OK)
    file.tail = -1;  // what follows is no append until SQLite has written again
  else if (written > file.end)
    grow(file, written);
  return code;
}

int close(sqlite3_file* base) {
  WalFile& file = WalFile::of(base);
  const int flushed = flush(file);
  const int closed = file.real()->pMethods->xClose(file.real());
  delete file.pending;
  file.pending = nullptr;
  return flushed != SQLITE_OK ? flushed : closed;
}

int write(sqlite3_file* base, const void* bytes, int size, sqlite3_int64 offset) {
  WalFile& file = WalFile::of(base);
  const bool append = offset == file.tail && (size == kFrameHeader || !file.pending->empty());
  if (!append || file.pending->size() + static_cast<std::size_t>(size) > kMostBuffered) {
    if (const int code = flush(file); code != SQLITE_OK) return code;
  }
  file.tail = offset + size;
  // A page whose header has just been flushed goes straight too: it must not wait for a header that never comes.
  if (!append || (file.pending->empty() && size != kFrameHeader))
    return file.real()->pMethods->xWrite(file.real(), bytes, size, offset);

  if (file.pending->empty()) file.at = offset;
  try {
    file.pending->append(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
    return SQLITE_IOERR_NOMEM;
  }
  if (size == kFrameHeader) {
    // Bytes 4 to 7 of a frame header: size of the database after a commit, or zero.
    const auto* header = static_cast<const unsigned char*>(bytes);
    file.commit = (header[4] | header[5] | header[6] | header[7]) != 0;
    return SQLITE_OK;
  }
  return file.commit ? flush(file) : SQLITE_OK;
}

int read(sqlite3_file* base, void* bytes, int size, sqlite3_int64 offset) {
  WalFile& file = WalFile::of(base);
  if (const int code = flush(file); code != SQLITE_OK) return code;
  return file.real()->pMethods->xRead(file.real(), bytes, size, offset);
}

int truncate(sqlite3_file* base, sqlite3_int64 size) {
  WalFile& file = WalFile::of(base);
  if (const int code = flush(file); code != SQLITE_OK) return code;
  file.tail = -1;
  return file.real()->pMethods->xTruncate(file.real(), size);
}

int sync(sqlite3_file* base, int flags) {
  WalFile& file = WalFile::of(base);
  if (const int code = flush(file); code != SQLITE_OK) return code;
  return file.real()->pMethods->xSync(file.real(), flags);
}

int file_size(sqlite3_file* base, sqlite3_int64* size) {
  WalFile& file = WalFile::of(base);
  if (const int code = flush(file); code != SQLITE_OK) return code;
  return file.real()->pMethods->xFileSize(file.real(), size);
}

int lock(sqlite3_file* base, int level) {
  sqlite3_file* real = WalFile::of(base).real();
  return real->pMethods->xLock(real, level);
}
int unlock(sqlite3_file* base, int level) {
  sqlite3_file* real = WalFile::of(base).real();
  return real->pMethods->xUnlock(real, level);
}
int check_reserved_lock(sqlite3_file* base, int* out) {
  sqlite3_file* real = WalFile::of(base).real();
  return real->pMethods->xCheckReservedLock(real, out);
}
int file_control(sqlite3_file* base, int operation, void* argument) {
  sqlite3_file* real = WalFile::of(base).real();
  return real->pMethods->xFileControl(real, operation, argument);
}
int sector_size(sqlite3_file* base) {
  sqlite3_file* real = WalFile::of(base).real();
  return real->pMethods->xSectorSize(real);
}
int device_characteristics(sqlite3_file* base) {
  sqlite3_file* real = WalFile::of(base).real();
  return real->pMethods->xDeviceCharacteristics(real);
}

const sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = file_size,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
};

int open(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* base, int flags, int* flags_out) {
  sqlite3_vfs* real = real_vfs();
  if ((flags & SQLITE_OPEN_WAL) == 0) return real->xOpen(real, name, base, flags, flags_out);
  WalFile& file = WalFile::of(base);
  file.base.pMethods = nullptr;  // SQLite calls xClose only where this is set
  file.at = 0;
  file.tail = -1;
  file.end = 0;
  file.commit = false;
  const int code = real->xOpen(real, name, file.real(), flags, flags_out);
  if (code != SQLITE_OK) return code;
  file.pending = new (std::nothrow) std::string();
  if (file.pending == nullptr) {
    file.real()->pMethods->xClose(file.real());
    return SQLITE_NOMEM;
  }
  file.base.pMethods = &kMethods;
  return SQLITE_OK;
}

const char* register_vfs() {
  // Nobody asks how much memory SQLite has, and to know it would cost a lock at every allocation. The first word to it.
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  // All but opening files is the real layer's own.
  static sqlite3_vfs vfs = *real_vfs();
  vfs.pNext = nullptr;
  vfs.zName = kName;
  vfs.szOsFile += static_cast<int>(sizeof(WalFile));
  vfs.xOpen = open;
  sqlite3_vfs_register(&vfs, /*makeDflt=*/0);
  return kName;
}

}  // namespace

const char* wal_vfs() {
  static const char* const name = register_vfs();
  return name;
}

}  // namespace fortium::store
