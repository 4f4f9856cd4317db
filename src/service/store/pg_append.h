// One transaction of PgRecords: which of these records are new, and what they change.
//
// It takes two round trips. The first takes the organization's turn among all instances and reads what may be there of
// the records, of their lines in the ledger and of their slices. The second writes all of it and commits. A record that
// came in between all the same would break the primary key, and with it the whole transaction: so nothing can be
// counted twice.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "fortium/metrics/store.h"
#include "pg.h"
#include "pg_rows.h"

namespace fortium::service {

// A transaction that is alone among the writers of its organization.
std::vector<PgQuery> begin_writing(const std::string& place);

class PgAppend {
 public:
  PgAppend(Pg& pg, const std::string& place, const std::string& device_id)
      : pg_(pg), place_(place), device_id_(device_id) {}

  // As Records::append_all. For one call.
  Result<std::vector<metrics::Stored>> run(std::span<metrics::Event> events, const std::vector<bool>& stamped);

 private:
  struct Kept {
    const metrics::Event* event;
    bool fresh = false;
  };
  Result<void> read(std::span<const metrics::Event> events);
  Result<metrics::Stored> add(metrics::Event& event, bool stamped);
  metrics::Stored compare(metrics::Event& event, const metrics::Event& kept, bool stamped) const;
  Result<void> write();
  LineKey line_of(const metrics::Event& event) const;

  Pg& pg_;
  const std::string& place_;
  const std::string& device_id_;
  std::vector<std::map<std::string_view, const metrics::Event*>> known_;  // of each kind, by id
  std::vector<std::vector<metrics::Event>> read_;                         // what was there before
  std::vector<std::vector<const metrics::Event*>> fresh_;                 // of each kind
  std::map<std::string, std::int64_t, std::less<>> last_;                 // number of each session
  std::set<std::pair<std::size_t, std::string>> gone_;                    // kind and id of what was let go
  Lines before_, lines_;
  Slices slices_before_;
  metrics::Slicer slicer_;
};

}  // namespace fortium::service
