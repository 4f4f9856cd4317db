#include "page_scan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace fortium::store {

namespace {

constexpr std::size_t kFileHeader = 100, kLogHeader = 32, kFrameHeader = 24;
constexpr unsigned char kLeaf = 0x0A, kInterior = 0x02;  // pages of tables without a rowid, and of indexes
constexpr std::size_t kMostPayload = 1 << 20;            // a record is far smaller
constexpr std::size_t kPagesAStep = 64;

// Of a cell's payload, on its own page.
std::size_t most_local(std::size_t page) { return (page - 12) * 64 / 255 - 23; }
std::size_t least_local(std::size_t page) { return (page - 12) * 32 / 255 - 23; }

bool is_page_size(std::uint64_t size) { return size >= 512 && size <= 32'768 && std::has_single_bit(size); }

std::uint64_t big_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// The number, and `at` behind it; nothing where it runs over the end.
std::optional<std::uint64_t> varint(std::string_view bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (int i = 0; i < 9; ++i) {
    if (at >= bytes.size()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    if (i == 8) return value << 8 | byte;
    value = value << 7 | (byte & 0x7F);
    if ((byte & 0x80) == 0) return value;
  }
  return value;
}

std::int64_t whole(std::string_view bytes, std::size_t at, std::size_t size) {
  const std::uint64_t raw = big_endian(bytes, at, size);
  const auto shift = static_cast<int>(64 - 8 * size);
  return static_cast<std::int64_t>(raw << shift) >> shift;
}

// A value by its serial type; false where there is none such, or it runs over the end.
bool read_value(std::string_view record, std::uint64_t type, std::size_t& at, schema::Value& out) {
  constexpr std::size_t kSizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
  if (type == 10 || type == 11) return false;
  const std::uint64_t size = type < 10 ? kSizes[type] : (type - 12) / 2;
  if (size > record.size() - at) return false;
  if (type >= 1 && type <= 6)
    out = whole(record, at, size);
  else if (type == 7)
    out = std::bit_cast<double>(big_endian(record, at, 8));
  else if (type == 8 || type == 9)
    out = static_cast<std::int64_t>(type - 8);
  else if (type >= 13 && type % 2 == 1)
    out = std::string(record.substr(at, size));
  else if (type != 0)
    return false;  // no column of ours is a blob
  at += size;
  return true;
}

std::optional<schema::Row> row_of(std::string_view record, std::size_t columns) {
  std::size_t at = 0;
  const auto header = varint(record, at);
  if (!header || *header < at || *header > record.size()) return std::nullopt;
  const std::string_view types = record.substr(0, *header);
  std::size_t value_at = *header;
  schema::Row row;
  while (at < types.size()) {
    const auto type = varint(types, at);
    if (!type) return std::nullopt;
    row.emplace_back();
    if (!read_value(record, *type, value_at, row.back())) return std::nullopt;
  }
  if (row.size() < columns) return std::nullopt;
  return row;
}

}  // namespace

PageScan::File::~File() {
  if (fd >= 0) ::close(fd);
}

Result<PageScan> PageScan::open(const std::string& path) {
  PageScan scan;
  for (const auto& [file, name] : {std::pair(&scan.database_, path), std::pair(&scan.log_, path + "-wal")}) {
    *file = File(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat info {};
    if (file->fd < 0 && errno == ENOENT) continue;
    if (file->fd < 0 || ::fstat(file->fd, &info) != 0)
      return Error{Errc::unavailable, "cannot read " + name + ": " + std::strerror(errno)};
    file->size = info.st_size;
  }
  scan.find_page_size();
  scan.list_log();
  return scan;
}

// As the file says, or its log; where both are broken, what this program makes.
void PageScan::find_page_size() {
  std::string header(kFileHeader, '\0');
  const auto begins = [&header](const File& file) {
    return ::pread(file.fd, header.data(), header.size(), 0) == static_cast<ssize_t>(header.size());
  };
  if (begins(database_) && header.starts_with("SQLite format 3") && is_page_size(big_endian(header, 16, 2)))
    page_ = big_endian(header, 16, 2);
  else if (begins(log_) && is_page_size(big_endian(header, 8, 4)))
    page_ = big_endian(header, 8, 4);
}

// Frames of the log's own time, newest first, up to the last commit; and those of earlier times behind them.
void PageScan::list_log() {
  std::string header(kLogHeader, '\0');
  if (log_.size < static_cast<std::int64_t>(kLogHeader) ||
      ::pread(log_.fd, header.data(), header.size(), 0) != static_cast<ssize_t>(header.size()))
    return;
  const std::uint64_t salt = big_endian(header, 16, 8);
  std::vector<std::pair<std::uint32_t, Place>> frames;
  std::size_t committed = 0;
  bool current = true;
  std::string frame(kFrameHeader, '\0');
  const auto whole_frame = static_cast<std::int64_t>(kFrameHeader + page_);
  for (std::int64_t at = kLogHeader; at + whole_frame <= log_.size; at += whole_frame) {
    if (::pread(log_.fd, frame.data(), frame.size(), at) != static_cast<ssize_t>(frame.size())) break;
    const auto page = static_cast<std::uint32_t>(big_endian(frame, 0, 4));
    const Place place{true, at + std::int64_t{kFrameHeader}, page == 1};
    current = current && big_endian(frame, 8, 8) == salt;
    if (!current) {
      stale_.push_back(place);
      continue;
    }
    frames.emplace_back(page, place);
    if (big_endian(frame, 4, 4) != 0) committed = frames.size();
  }
  frames.resize(committed);
  for (const auto& [page, place] : frames) {
    replaced_[page] = place;
    newest_.push_back(place);
  }
  std::ranges::reverse(newest_);
  std::ranges::reverse(stale_);
}

bool PageScan::next(std::size_t columns, std::vector<schema::Row>& rows) {
  const auto in_file = static_cast<std::size_t>(database_.size) / page_;
  const std::size_t all = newest_.size() + in_file + stale_.size();
  for (std::size_t i = 0; i < kPagesAStep && at_ < all; ++i, ++at_) {
    if (at_ < newest_.size()) {
      read_rows(newest_[at_], columns, rows);
    } else if (const std::size_t page = at_ - newest_.size(); page < in_file) {
      read_rows({false, static_cast<std::int64_t>(page * page_), page == 0}, columns, rows);
    } else {
      read_rows(stale_[page - in_file], columns, rows);
    }
  }
  return at_ < all;
}

bool PageScan::read(const Place& place, std::string& page) const {
  page.resize(page_);
  return ::pread((place.in_log ? log_ : database_).fd, page.data(), page_, place.offset) == static_cast<ssize_t>(page_);
}

void PageScan::read_rows(const Place& place, std::size_t columns, std::vector<schema::Row>& rows) const {
  std::string page;
  if (!read(place, page)) return;
  const std::size_t begin = place.first ? kFileHeader : 0;
  const auto type = static_cast<unsigned char>(page[begin]);
  if (type != kLeaf && type != kInterior) return;
  const std::size_t pointers = begin + (type == kLeaf ? 8 : 12);
  const std::size_t cells = big_endian(page, begin + 3, 2);
  for (std::size_t i = 0; i < cells && pointers + 2 * i + 2 <= page_; ++i) {
    std::size_t at = big_endian(page, pointers + 2 * i, 2);
    if (type == kInterior) at += 4;  // the page below
    if (at >= page_) continue;
    if (const auto record = payload(page, at))
      if (auto row = row_of(*record, columns)) rows.push_back(std::move(*row));
  }
}

// The bytes of a cell, with those on its chain of overflow pages.
std::optional<std::string> PageScan::payload(std::string_view page, std::size_t at) const {
  const auto size = varint(page, at);
  if (!size || *size == 0 || *size > kMostPayload) return std::nullopt;
  std::size_t local = *size;
  if (local > most_local(page_)) {
    local = least_local(page_) + (*size - least_local(page_)) % (page_ - 4);
    if (local > most_local(page_)) local = least_local(page_);
  }
  if (at + local > page.size()) return std::nullopt;
  std::string bytes(page.substr(at, local));
  if (local == *size) return bytes;
  if (at + local + 4 > page.size()) return std::nullopt;
  auto next = static_cast<std::uint32_t>(big_endian(page, at + local, 4));
  std::string overflow;
  while (bytes.size() < *size) {
    if (next == 0) return std::nullopt;
    const auto newer = replaced_.find(next);
    const Place place = newer != replaced_.end()
                            ? newer->second
                            : Place{false, (static_cast<std::int64_t>(next) - 1) * static_cast<std::int64_t>(page_)};
    if (!read(place, overflow)) return std::nullopt;
    next = static_cast<std::uint32_t>(big_endian(overflow, 0, 4));
    bytes.append(overflow, 4, std::min(page_ - 4, *size - bytes.size()));
  }
  return bytes;
}

}  // namespace fortium::store
