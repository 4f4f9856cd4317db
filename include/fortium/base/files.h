// Files that only their owner may read. Functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "fortium/base/result.h"

namespace fortium {

// Makes the directory (0700) and those above it, so that they survive a power loss. An existing one is taken as it is,
// unless it is a link to nowhere; "" is where we are.
Result<void> make_private_dir(const std::string& path);
// The whole file, or not_found; at most `limit` bytes.
Result<std::string> read_file(const std::string& path, std::size_t limit);
// All of the text, and synced. `path` is for the error.
Result<void> write_synced(int fd, std::string_view text, const std::string& path);
// What errno says of a file: full, or unavailable.
Error file_error(std::string_view doing, const std::string& path);
// Replaces the file in one step (0600), synced: a reader sees the old or the new text, never half of one.
Result<void> write_file(const std::string& path, std::string_view text);
// Makes names that were made or removed in this directory survive a power loss.
Result<void> sync_dir(const std::string& path);
// The kind of file system that `path` (or what is above it, while it is not there) is on, if other machines may write
// to it too: "NFS"; empty: it is local, or not known.
std::string_view network_file_system(const std::string& path);

}  // namespace fortium
