// An SQLite store in a directory of its own, for tests of what only a file can do.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/sqlite_outbox.h"
#include "store/sqlite_store.h"
#include "support/events.h"
#include "support/fakes.h"
#include "support/temp_dir.h"

namespace fortium::test {

template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().what);
  return std::move(*result);
}
inline void must(const Result<void>& result) {
  if (!result) FAIL(result.error().what);
}

struct StoreFixture {
  TempDir dir;
  FakeClock clock;
  SpreadEntropy entropy;
  std::unique_ptr<store::Database> database = open();

  std::unique_ptr<store::Database> open(store::Durability durability = store::Durability::normal) {
    return must(store::Database::open({dir.file("metrics.db"), durability}, entropy));
  }
  std::int64_t lane(const std::string& organization) {
    return must(store::lane_of(*database, {"https://metrics.example.com", organization, ""}));
  }
  std::vector<metrics::Stored> append(std::int64_t lane, std::vector<metrics::Event> events) {
    auto store = must(store::SqliteStore::open(*database, lane));
    return must(store->append(events));
  }
  std::int64_t number(const std::string& sql) { return must(database->db().integer(sql)); }
  // The first column of every row, joined by blanks.
  std::string texts(const std::string& sql) {
    store::Statement statement = must(database->db().prepare(sql));
    std::string out;
    while (must(statement.step())) out += (out.empty() ? "" : " ") + std::string(statement.text(0));
    return out;
  }
};

}  // namespace fortium::test
