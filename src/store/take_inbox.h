// From the inbox to the store: what was left means something once it is known what is open. One thread, as the store.
#pragma once

#include "inbox.h"
#include "sqlite_store.h"

namespace fortium::store {

struct Taking {
  Database& database;
  SqliteStore& own;  // of the lane of `own_to`
  const Destination& own_to;
  const metrics::Understand& understand;
};

// Everything that lies in the inbox, and `last` behind it, unless that is nullptr. Each line counts once, whoever else
// takes just now; one that the tables do not take is passed over.
Result<void> take_inbox(const Inbox& inbox, const Taking& taking, const metrics::Note* last);

}  // namespace fortium::store
