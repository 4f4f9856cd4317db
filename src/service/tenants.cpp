#include "tenants.h"

#include <unistd.h>

#include <algorithm>

#include "fortium/base/entropy.h"
#include "fortium/base/log.h"
#include "limits.h"

namespace fortium::service {

using metrics::Event;
using metrics::Stored;

namespace {

// Ids that senders made from their own are spread over the whole tree: a service can afford to keep more of it at hand.
constexpr const char* kCache = "PRAGMA cache_size = -8192";  // KiB

}  // namespace

Result<std::shared_ptr<TenantStore>> TenantStore::open(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return Error{Errc::not_found, "the records of this organization are gone"};
  SystemEntropy entropy;
  Opened opened;
  FM_TRY(opened.database, store::Database::open({.path = path}, entropy));
  FM_TRY_(opened.database->db().exec(kCache));
  FM_TRY(opened.store, store::SqliteStore::open(*opened.database));
  return std::shared_ptr<TenantStore>(new TenantStore(std::move(opened)));
}

Result<std::vector<Stored>> TenantStore::append(std::span<Event> events, const std::vector<bool>& stamped) {
  return opened_.with([&](Opened& opened) -> Result<std::vector<Stored>> {
    FM_TRY(std::vector<Stored> stored, opened.store->append(events));
    if (opened.database->db().wal_frames() > kTidyFrames) grown_ = true;
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (stored[i] != Stored::conflict || !stamped[i]) continue;
      FM_TRY(const Event kept, store::read_event(opened.database->db(), *events[i].kind, events[i].id()));
      events[i].row[metrics::kTimestamp] = kept.row[metrics::kTimestamp];
      if (metrics::same_content(kept, events[i])) stored[i] = Stored::duplicate;
    }
    return stored;
  });
}

void TenantStore::tidy() {
  opened_.with([this](Opened& opened) {
    grown_ = false;
    if (auto done = opened.database->tidy(kTidyFrames); !done) log_warn("checkpoint: " + done.error().what);
  });
}

Tenants::Tenants(std::string dir, const Clock& clock, std::size_t most)
    : dir_(std::move(dir)), clock_(clock), most_(most) {}

Result<std::shared_ptr<TenantStore>> Tenants::find(const std::string& file) {
  return entries_.with([&](Entries& entries) -> Result<std::shared_ptr<TenantStore>> {
    const SteadyTime now = clock_.steady();
    if (const auto known = entries.find(file); known != entries.end()) {
      known->second.used = now;
      return known->second.store;
    }
    if (entries.size() >= most_) drop_oldest(entries);
    FM_TRY(auto store, TenantStore::open(dir_ + "/" + file));
    entries[file] = {store, now};
    return store;
  });
}

void Tenants::drop_oldest(Entries& entries) {
  const auto oldest = std::ranges::min_element(entries, {}, [](const auto& entry) { return entry.second.used; });
  if (oldest != entries.end()) entries.erase(oldest);
}

void Tenants::forget(const std::string& file) {
  entries_.with([&](Entries& entries) { entries.erase(file); });
}

void Tenants::rest() {
  std::vector<std::shared_ptr<TenantStore>> grown;
  entries_.with([&](Entries& entries) {
    const SteadyTime now = clock_.steady();
    std::erase_if(entries, [now](const auto& entry) { return now - entry.second.used > kTenantIdle; });
    for (const auto& [file, entry] : entries)
      if (entry.store->grown()) grown.push_back(entry.store);
  });
  for (const auto& store : grown) store->tidy();
}

}  // namespace fortium::service
