// Files of somebody else, changed with care: what was looked at is what is replaced, in one step, and the text from
// before is kept until it is put back. One thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "fortium/base/result.h"

namespace fortium::app {

// A file as it was when it was looked at.
struct FileState {
  std::string path;  // as it is called
  std::string real;  // what a link leads to
  bool exists = false;
  bool read_only = false;  // who made it so meant it, whatever a rename or the superuser could do
  std::string text;
  mode_t mode = 0644;
};

// A file that is not there is no error; what is no file or cannot be read is one.
Result<FileState> look_at(const std::string& path);
// Mode and owner stay, and a link leads to the new text. `conflict` when the file is not what was looked at.
Result<void> replace_file(const FileState& state, std::string_view text);
Result<void> remove_file(const FileState& state);

// The text of one file before and after our change, in the data directory. `purpose` tells changes of one file apart.
class Backup {
 public:
  Backup(const std::string& data_dir, std::string_view purpose, const FileState& state);

  const std::string& dir() const { return dir_; }
  bool is_after(std::string_view text) const { return after_ && *after_ == text; }
  // Nothing: there was no file, or there is no backup.
  const std::optional<std::string>& before() const { return before_; }
  bool was_made() const { return after_.has_value(); }

  Result<void> save(const std::optional<std::string>& before, std::string_view after);
  void forget();

 private:
  std::string path_, dir_;
  std::optional<std::string> before_, after_;
};

}  // namespace fortium::app
