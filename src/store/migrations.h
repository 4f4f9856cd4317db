// The store's tables, version by version. A step runs once, in one transaction with the ones after it; a store of a
// newer version is left untouched.
#pragma once

#include "fortium/base/result.h"
#include "sqlite.h"

namespace fortium::store {

// PRAGMA user_version of a store that this program writes.
constexpr int kSchemaVersion = 1;

// How records lie in a new store: in the order of their ids, so that one record changes the fewest pages; or as they
// came with an index of ids beside them. That is for the records of many people, whose ids are spread over a large
// tree: there a page of the index has the room for many ids, and one of the other layout for few records.
enum class Layout { by_id, by_arrival };

// Brings an open store to kSchemaVersion, inside the caller's write lock. unavailable: it is newer.
Result<void> migrate(Db& db, Layout layout);
// corrupt: a file without a version of ours that holds tables all the same. To be asked before anything is written.
Result<void> refuse_foreign(Db& db);
// All of a new store's SQL in the layout of one person's, for schemas/ and for people.
std::string schema_sql();

}  // namespace fortium::store
