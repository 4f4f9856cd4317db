// Is the store's file still whole? Looked at in small steps when nobody waits, once after each start of the machine: a
// power loss is what breaks files, and a clean shutdown cannot be told from it without writing something at each start.
//
// One instance belongs to one thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "database.h"

namespace fortium::store {

// What is wrong with the whole file, its indexes included, or empty. Seconds for a large one.
Result<std::string> check_whole(Db& db);

class Checkup {
 public:
  // Look even if that was done since the machine started.
  void demand() { demanded_ = true, begun_ = done_ = false; }
  // One table. True: there is more to do. corrupt: what is wrong.
  Result<bool> step(Database& database);

 private:
  Result<bool> begin(Database& database);

  bool demanded_ = false, begun_ = false, done_ = false;
  std::string boot_;
  std::vector<std::string> tables_;
};

}  // namespace fortium::store
