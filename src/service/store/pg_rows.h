// Records, lines of the ledger and slices as rows of PostgreSQL, many at a time. Everything here is a statement for the
// caller's transaction, or reads what one gave.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "fortium/base/hash.h"
#include "fortium/metrics/slice_reader.h"
#include "pg.h"
#include "records.h"

namespace fortium::service {

// Whole records of a kind.
PgQuery select_events(const std::string& place, const metrics::Kind& kind, std::span<const std::string_view> ids);
PgQuery insert_events(const std::string& place, const metrics::Kind& kind,
                      std::span<const metrics::Event* const> events);
metrics::Event event_of(const PgRows& rows, int row, const metrics::Kind& kind);

// Rows as they are.
PgQuery insert_rows(const std::string& place, const Table& table, std::span<const schema::Row> rows);

struct LineKey {
  std::string session_id, day;
  std::size_t kind = 0;
  std::string device_id;

  auto operator<=>(const LineKey&) const = default;  // NOLINT(modernize-use-nullptr): as in metrics/slice.h
};
struct Line {
  std::int64_t count = 0;
  LedgerDigest digest;
  std::int64_t last = 0;  // the newest seq given
};
using Lines = std::map<LineKey, Line>;
PgQuery select_lines(const std::string& place, const Lines& keys);
PgQuery upsert_lines(const std::string& place, const Lines& lines);
void read_lines(const PgRows& rows, Lines& into);

using Slices = std::map<metrics::SliceKey, metrics::Figures>;
PgQuery select_slices(const std::string& place, const Slices& keys);
PgQuery upsert_slices(const std::string& place, const Slices& slices);
// False: of a kind that a newer version of this program has.
Result<bool> read_slice(const PgRows& rows, int row, metrics::Slice& into);

// As of SliceReader; within a transaction.
Result<bool> each_slice(Pg& pg, const std::string& place, std::int64_t from, std::int64_t until,
                        const metrics::Kind* kind, const metrics::TakeSlice& take);
Result<void> each_event(Pg& pg, const std::string& place, const metrics::Kind& kind, const metrics::Period& period,
                        std::string_view session, const std::optional<Snapshot::After>& after,
                        const metrics::TakeEvent& take);

}  // namespace fortium::service
