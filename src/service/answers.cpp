#include "answers.h"

#include <array>

#include "fortium/base/log.h"
#include "limits.h"

namespace fortium::service {

namespace {

constexpr std::array<std::string_view, 1> kSteps = {R"sql(
CREATE TABLE answers (
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  at INTEGER NOT NULL,
  statuses TEXT NOT NULL,
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID, STRICT;
CREATE INDEX answers_by_time ON answers (at);
)sql"};

constexpr std::int64_t kPruned = 10;  // with every new one: faster than they come

}  // namespace

Result<std::unique_ptr<Answers>> Answers::open(const std::string& data_dir) {
  Opened opened;
  FM_TRY(opened.file, SharedFile::open(data_dir + "/answers.db", store::Durability::normal, kSteps));
  store::Db& db = opened.file->db();
  FM_TRY(opened.find,
         db.prepare("SELECT body_hash, at, statuses FROM answers WHERE tenant = ? AND key = ? AND at > ?"));
  FM_TRY(opened.keep,
         db.prepare("INSERT INTO answers (tenant, key, body_hash, at, statuses) VALUES (?1, ?2, ?3, ?4, ?5) "
                    "ON CONFLICT DO UPDATE SET body_hash = ?3, at = ?4, statuses = ?5 WHERE at <= ?6"));
  FM_TRY(opened.prune, db.prepare("DELETE FROM answers WHERE (tenant, key) IN "
                                  "(SELECT tenant, key FROM answers WHERE at <= ? LIMIT ?)"));
  return std::unique_ptr<Answers>(new Answers(std::move(opened)));
}

Result<std::optional<Answered>> Answers::find(std::string_view tenant, std::string_view key, WallTime now) {
  return opened_.with([&](Opened& opened) -> Result<std::optional<Answered>> {
    store::Statement& row = opened.find.bind(tenant, key, to_ms(now - kAnswersKept));
    FM_TRY(const bool found, row.step());
    if (!found) return std::optional<Answered>();
    Answered answered{std::string(row.text(0)), from_ms(row.integer(1)), std::string(row.text(2))};
    row.reset();
    return std::optional(std::move(answered));
  });
}

Result<void> Answers::keep(std::string_view tenant, std::string_view key, const Answered& answered) {
  return opened_.with([&](Opened& opened) {
    return opened.file->write([&]() -> Result<void> {
      const std::int64_t lapsed = to_ms(answered.at - kAnswersKept);
      FM_TRY_(opened.keep.bind(tenant, key, answered.body_hash, to_ms(answered.at), answered.statuses, lapsed).run());
      return opened.prune.bind(lapsed, kPruned).run();
    });
  });
}

void Answers::rest() {
  opened_.with([](Opened& opened) {
    if (auto done = opened.file->tidy(); !done) log_warn("checkpoint: " + done.error().what);
  });
}

}  // namespace fortium::service
