// Counts an organization's records again, and compares with what is kept of them: the ledger and the slices.
#pragma once

#include <string>
#include <vector>

#include "records.h"

namespace fortium::service {

struct Recount {
  std::int64_t records = 0;
  std::vector<std::string> differences;  // in words, the first kMostDifferences of them
  std::int64_t wrong = 0;                // all of them
};

// As of one moment, whoever writes meanwhile. Of hours that records were let go from, slices may count more than there
// is. Seconds for a million records; memory for the slices of a month.
Result<Recount> recount(Records& records);

}  // namespace fortium::service
