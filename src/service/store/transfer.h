// From one store to another, whatever their engines; or into a file and back.
//
// What goes over is rows as they are: who there is, and each organization as of one moment. A sum of every row (count,
// and digest of its text) goes with each table, and is worked out again of what has arrived: so a copy is either known
// to be whole or is an error. Answers that are kept for a day (answers.h) stay behind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend.h"

namespace fortium::service {

struct Transferred {
  std::string tenant;  // name
  std::int64_t records = 0;
};
using Transfer = Result<std::vector<Transferred>>;

// `only`: one organization by name or id, with its keys and people; empty: everything. conflict: one of them is there
// already. What was interrupted begins anew when it is tried again.
Transfer copy_to(Backend& from, Backend& to, const std::string& only);
// A file for its owner's eyes: it holds hashes of keys and passwords, and what signs tokens. Replaced in one step.
Transfer write_backup(Backend& from, const std::string& file, const std::string& only);
// corrupt: the file is damaged, or ends early; then nobody has become visible in the store.
Transfer read_backup(const std::string& file, Backend& to, const std::string& only);

}  // namespace fortium::service
