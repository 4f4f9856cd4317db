// The store's tables, version by version. A step runs once, in one transaction with the ones after it; a store of a
// newer version is left untouched.
#pragma once

#include "fortium/base/result.h"
#include "sqlite.h"

namespace fortium::store {

// PRAGMA user_version of a store that this program writes.
constexpr int kSchemaVersion = 1;

// Brings an open store to kSchemaVersion, inside the caller's write lock. unavailable: it is newer.
Result<void> migrate(Db& db);
// corrupt: a file without a version of ours that holds tables all the same. To be asked before anything is written.
Result<void> refuse_foreign(Db& db);
// All of a new store's SQL, for schemas/ and for people.
std::string schema_sql();

}  // namespace fortium::store
