#include "checkup.h"

#include "fortium/base/files.h"

namespace fortium::store {

namespace {

constexpr const char* kBootId = "/proc/sys/kernel/random/boot_id";  // changes when the machine starts
constexpr const char* kChecked = "checked_in_boot";
constexpr std::size_t kMostBytes = 256;

Result<std::string> first_finding(Db& db, const std::string& pragma) {
  FM_TRY(Statement check, db.prepare(pragma));
  FM_TRY(const bool told, check.step());
  const std::string found = printable(told ? check.text(0) : "nothing was told");
  return found == "ok" ? std::string() : found;
}

}  // namespace

Result<std::string> check_whole(Db& db) { return first_finding(db, "PRAGMA integrity_check(1)"); }

Result<bool> Checkup::step(Database& database) {
  if (done_) return false;
  if (!begun_) return begin(database);
  if (!tables_.empty()) {
    FM_TRY(const std::string wrong, first_finding(database.db(), "PRAGMA quick_check('" + tables_.back() + "')"));
    if (!wrong.empty()) return Error{Errc::corrupt, wrong};
    tables_.pop_back();
    return true;
  }
  FM_TRY_(database.write([&]() -> Result<void> {
    FM_TRY(Statement put, database.db().prepare("INSERT INTO meta (name, value) VALUES (?, ?) "
                                                "ON CONFLICT DO UPDATE SET value = excluded.value"));
    return put.bind(kChecked, boot_).run();
  }));
  done_ = true;
  return false;
}

Result<bool> Checkup::begin(Database& database) {
  begun_ = true;
  if (const auto boot = read_file(kBootId, kMostBytes)) boot_ = *boot;
  FM_TRY(Statement find, database.db().prepare("SELECT value FROM meta WHERE name = ?"));
  FM_TRY(const bool known, find.bind(kChecked).step());
  if (!demanded_ && known && find.text(0) == boot_) {
    done_ = true;
    return false;
  }
  find.reset();
  FM_TRY(Statement list, database.db().prepare("SELECT name FROM sqlite_schema WHERE type = 'table'"));
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return true;
    tables_.emplace_back(list.text(0));
  }
}

}  // namespace fortium::store
