#include "importer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "fortium/base/json.h"
#include "fortium/schema/check_row.h"
#include "read_ahead.h"

namespace fortium::claude {

namespace {

constexpr std::size_t kBlockBytes = 256 << 10;
constexpr std::size_t kLotRecords = 4'000;

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (file_ >= 0) ::close(file_);
  }
  int get() const { return file_; }

 private:
  const int file_;
};

// One file to be read: where it stands, and how it will be.
struct Task {
  TranscriptFile file;
  std::optional<Progress> known;  // of the same file; none: from the begin
  Rest rest = Rest::busy;
};

// One file while it is read. Moves from thread to thread, a lot each.
class Reading {
 public:
  Reading(const Task& task, const Importer::How& how)
      : path_(task.file.path),
        descriptor_(path_),
        progress_{task.file.inode, 0, task.known ? task.known->offset : 0, Rest::busy, ""},
        size_(task.file.size),
        rest_(task.rest),
        how_(how),
        transcript_(how.prices, task.file.main, carried_of(task)),
        counted_(transcript_.counts()) {}

  // False: the file is read to its end.
  bool step(LineParser& parser, Lot& lot) {
    if (descriptor_.get() < 0) {
      lot.skipped.push_back({path_, 0, std::string("cannot be read: ") + std::strerror(errno)});
      return false;
    }
    lot.paths.push_back(path_);
    const std::int64_t budget = lot.read_bytes + kLotBytes;
    bool more = true;
    while (more && lot.read_bytes < budget && lot.records.size() < kLotRecords) {
      more = read_block(parser, lot);
      if (!more) transcript_.rest(rest_, made_);
      check(lot);
    }
    progress_.size = more ? progress_.offset : size_;  // a file that was left halfway does not look unchanged
    progress_.rest = more ? Rest::busy : rest_;
    progress_.carried = dump_json(transcript_.carry());
    lot.progress[path_] = progress_;
    if (!more) {
      const TranscriptCounts fresh = transcript_.counts() - counted_;
      lot.counts.lines += fresh.lines;
      lot.counts.merged += fresh.merged;
      lot.counts.api_errors += fresh.api_errors;
      for (const auto& [model, count] : transcript_.unpriced()) lot.unpriced[model] += count;
    }
    return more;
  }

 private:
  static Json carried_of(const Task& task) {
    auto carried = parse_json(task.known ? task.known->carried : "null");
    return carried ? std::move(*carried) : Json();
  }

  // False at the end of the file, or of its last whole line.
  bool read_block(LineParser& parser, Lot& lot) {
    buffer_.resize(held_ + kBlockBytes + kPadding);
    const ssize_t size = ::pread(descriptor_.get(), buffer_.data() + held_, kBlockBytes,
                                 progress_.offset + static_cast<std::int64_t>(held_ + dropped_));
    if (size <= 0) return false;
    lot.read_bytes += size;
    const std::size_t filled = held_ + static_cast<std::size_t>(size);
    std::size_t at = 0;
    for (std::size_t from = held_;;) {
      const void* end = std::memchr(buffer_.data() + from, '\n', filled - from);
      if (end == nullptr) break;
      const auto stop = static_cast<std::size_t>(static_cast<const char*>(end) - buffer_.data());
      take(std::string_view(buffer_).substr(at, stop - at), parser, lot);
      progress_.offset += static_cast<std::int64_t>(dropped_ + stop + 1 - at);
      dropped_ = 0;
      at = from = stop + 1;
    }
    held_ = filled - at;
    if (held_ > kMostLineBytes) {  // the rest of that line is looked through for its end only
      dropped_ += held_;
      held_ = 0;
    } else if (at > 0) {
      std::memmove(buffer_.data(), buffer_.data() + at, held_);
    }
    return true;
  }

  void take(std::string_view text, LineParser& parser, Lot& lot) {
    ++number_;
    transcript_.count_line();
    if (dropped_ + text.size() > kMostLineBytes) {
      lot.skipped.push_back(
          {path_, number_,
           "line is " + std::to_string(dropped_ + text.size()) + " bytes, limit is " + std::to_string(kMostLineBytes)});
      return;
    }
    if (text.empty() || (transcript_.begun() && skippable(text))) return;
    std::string why;
    if (!parser.parse(text, line_, why))
      lot.skipped.push_back({path_, number_, std::move(why)});
    else if (is_wanted())
      transcript_.take(line_, made_);
  }

  // A line without a directory belongs to that of the line before.
  bool is_wanted() {
    if (!line_.cwd.empty() && line_.cwd != dir_) {
      dir_ = line_.cwd;
      wanted_ = !how_.off(dir_);
    }
    return wanted_;
  }

  // Here, and not where it is written, as there is one writer.
  void check(Lot& lot) {
    for (Made& made : made_) {
      const auto wrong = schema::check_row(made.event.kind->shape, made.event.row, how_.now);
      if (!wrong.empty()) {
        lot.skipped.push_back({path_, number_, schema::to_text(wrong)});
        continue;
      }
      made.event.row[metrics::kRecordedAt] = to_ms(how_.now);
      if (!how_.user_id.empty()) made.event.row[metrics::kUserId] = how_.user_id;
      lot.records.add(made.event);
      lot.counted.push_back({made.side, lot.paths.size() - 1});
    }
    made_.clear();
  }

  const std::string path_;
  const Descriptor descriptor_;
  Progress progress_;
  const std::int64_t size_;  // when it was looked at
  const Rest rest_;
  const Importer::How& how_;
  std::string dir_;
  bool wanted_ = true;
  Transcript transcript_;
  const TranscriptCounts counted_;  // in earlier runs
  std::vector<Made> made_;          // of the block that is read
  std::string buffer_;
  std::size_t held_ = 0;     // bytes of a line whose end was not read yet
  std::size_t dropped_ = 0;  // bytes before them, of a line that is too long
  std::int64_t number_ = 0;
  Line line_;
};

// One session, or a part of it.
class Stream final : public LotStream {
 public:
  Stream(std::vector<Task> tasks, std::string session, bool resumed, const Importer::How& how)
      : tasks_(std::move(tasks)), session_(std::move(session)), resumed_(resumed), how_(how) {}

  Result<Lot> next() override {
    Lot lot{.session = session_, .resumed = resumed_};
    if (!parser_) {
      FM_TRY(parser_, make_line_parser());
    }
    while (lot.read_bytes < kLotBytes && lot.records.size() < kLotRecords && !done()) {
      if (!reading_) {
        reading_ = std::make_unique<Reading>(tasks_[at_], how_);
        ++lot.files;
      }
      if (reading_->step(*parser_, lot)) continue;
      reading_.reset();
      ++at_;
    }
    return lot;
  }
  bool done() const override { return at_ == tasks_.size(); }

 private:
  const std::vector<Task> tasks_;
  const std::string session_;
  const bool resumed_;
  const Importer::How& how_;
  std::size_t at_ = 0;
  std::unique_ptr<LineParser> parser_;
  std::unique_ptr<Reading> reading_;
};

Rest rest_of(const TranscriptFile& file, WallTime now, Rest at_least) {
  const Millis quiet = now - from_ms(file.modified_ms);
  return std::max(at_least, quiet >= kEnded ? Rest::ended : quiet >= kStill ? Rest::still : Rest::busy);
}

// What an earlier run left of this very file.
const Progress* same_file(const TranscriptFile& file, const Importer::Known& known) {
  const Progress* before = known(file.path);
  return before != nullptr && before->inode == file.inode && before->offset <= file.size ? before : nullptr;
}

// Nothing to read, and nothing that its rest would settle now.
bool is_idle(const TranscriptFile& file, const Progress* before, Rest rest) {
  return before != nullptr && before->size == file.size && rest <= before->rest;
}

}  // namespace

std::int64_t Importer::unread(const std::vector<SessionFiles>& sessions) const {
  std::int64_t bytes = 0;
  for (const SessionFiles& session : sessions)
    for (const TranscriptFile& file : session.files) {
      const Progress* before = same_file(file, known_);
      bytes += file.size - (before != nullptr ? before->offset : 0);
    }
  return bytes;
}

Result<void> Importer::run(const std::vector<SessionFiles>& sessions, const Take& take) {
  std::vector<std::unique_ptr<LotStream>> streams;
  for (const SessionFiles& session : sessions) {
    std::vector<Task> tasks;
    bool resumed = false;
    for (const TranscriptFile& file : session.files) {
      const Progress* before = same_file(file, known_);
      resumed = resumed || before != nullptr;
      const Rest rest = rest_of(file, how_.now, at_least_);
      if (is_idle(file, before, rest)) continue;
      tasks.push_back({file, before != nullptr ? std::optional(*before) : std::nullopt, rest});
    }
    if (!tasks.empty())
      streams.push_back(std::make_unique<Stream>(std::move(tasks), session.files.front().path, resumed, how_));
  }
  if (streams.empty()) return {};
  const std::size_t most = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
  const std::size_t threads = std::min(most, streams.size());
  for (ReadAhead lots(std::move(streams), threads);;) {
    FM_TRY(std::optional<Lot> lot, lots.next());
    if (!lot) return {};
    FM_TRY_(take(*lot));
  }
}

}  // namespace fortium::claude
