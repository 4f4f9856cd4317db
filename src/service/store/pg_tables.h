// The place of one organization in PostgreSQL: a schema, and a role without login that may use nothing else. Both have
// the name of the place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fortium/metrics/kind.h"
#include "pg.h"

namespace fortium::service {

constexpr std::int64_t kPlaceVersion = 1;

// "t_<32 hex digits>".
std::string pg_place_for(std::string_view tenant_id);
bool is_pg_place(std::string_view place);

// Makes schema, role and tables where they are missing, and brings older ones to our version: one transaction, alone
// among those who try the same.
Result<void> prepare_place(Pg& pg, const std::string& place, const std::string& device_id);
Result<void> remove_place(Pg& pg, const std::string& place);

struct Place {
  std::int64_t version = 0;
  std::string device_id;  // of records that name none
};
// not_found: it is gone.
Result<Place> look_at_place(Pg& pg, const std::string& place);

// BEGIN, and for as long as the transaction lasts: the role, limits of time, and that a commit waits for the disk.
enum class Work { write, read };
std::vector<PgQuery> begin_in(const std::string& place, Work work);

}  // namespace fortium::service
