// Rows of a database file whose trees may be broken: every page is looked at by itself (sqlite.org/fileformat.html).
//
// A row that lies on whole pages is found, whatever the rest of the file looks like. What is found need not be a row
// that counted: it may have been deleted, and bytes of a broken page may look like one. So whoever asks checks each,
// takes a row once, and knows what was let go. The newest pages come first: those of the log, then those of the file,
// then what is left in the log of earlier times. The file is only read. One instance belongs to one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "database.h"
#include "fortium/base/result.h"
#include "fortium/schema/check.h"

namespace fortium::store {

class PageScan {
 public:
  // Of the database at `path` and the log beside it; either may be missing.
  static Result<PageScan> open(const std::string& path);

  // Rows of tables without a rowid, of at least `columns` columns, from the next pages. False: there are no more pages.
  bool next(std::size_t columns, std::vector<schema::Row>& rows);

 private:
  struct File {
    File() = default;
    explicit File(int descriptor) : fd(descriptor) {}
    File(File&& other) noexcept : fd(std::exchange(other.fd, -1)), size(other.size) {}
    File& operator=(File&& other) noexcept {
      std::swap(fd, other.fd);
      std::swap(size, other.size);
      return *this;
    }
    ~File();
    int fd = -1;
    std::int64_t size = 0;
  };
  // Where a page is.
  struct Place {
    bool in_log = false;
    std::int64_t offset = 0;
    bool first = false;  // page 1, which begins with the header of the file
  };

  PageScan() = default;
  void find_page_size();
  void list_log();
  bool read(const Place& place, std::string& page) const;
  void read_rows(const Place& place, std::size_t columns, std::vector<schema::Row>& rows) const;
  std::optional<std::string> payload(std::string_view page, std::size_t at) const;

  File database_, log_;
  std::size_t page_ = kPageBytes;
  std::vector<Place> newest_, stale_;        // in the log
  std::map<std::uint32_t, Place> replaced_;  // pages of the file that the log has newer
  std::size_t at_ = 0;
};

}  // namespace fortium::store
