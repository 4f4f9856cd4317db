// The last resort: records that the store could not take, one checked line each, synced before they are acknowledged,
// and merged into the store by id when it is well again. So a locked, full, damaged or newer store loses nothing.
//
// What was refused is never merged: a file is cut back after a failed write, and where that fails too its new name says
// how much of it counts. A file belongs to the process that writes it for as long as that lives (flock); others merge
// it afterwards. One instance belongs to one thread.
//
// Fixed bugs: a file that was merged the moment it was made took records with it that were acknowledged afterwards.
#pragma once

#include <sys/types.h>

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fortium/base/entropy.h"
#include "fortium/metrics/event.h"
#include "sqlite_outbox.h"

namespace fortium::store {

class Spool {
 public:
  Spool(std::string dir, Entropy& entropy) : dir_(std::move(dir)), entropy_(entropy) {}
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool();

  // Durable when it returns ok. All or nothing.
  Result<void> append(std::span<const metrics::Event> events, const Destination& to);

  // Hands every spooled record, with where it was to go, to `take`; a file whose records were all taken is removed.
  // Lines that are damaged are kept in a file of their own, beside. The number of records taken.
  using Take = std::function<Result<void>(std::vector<metrics::Event>& events, const Destination& to)>;
  Result<std::int64_t> merge(const Take& take);
  // Records that wait in files.
  std::int64_t count() const;

 private:
  Result<void> open();
  void close();
  void cut_back(off_t before);

  const std::string dir_;
  Entropy& entropy_;
  std::string path_;
  int fd_ = -1;
};

}  // namespace fortium::store
