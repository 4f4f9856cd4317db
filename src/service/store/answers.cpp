#include "answers.h"

#include <array>

#include "fortium/base/log.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

constexpr std::array<std::string_view, 1> kSteps = {R"sql(
CREATE TABLE answers (
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  at BIGINT NOT NULL,
  statuses TEXT NOT NULL,
  PRIMARY KEY (tenant, key)
);
CREATE INDEX answers_by_time ON answers (at);
)sql"};

constexpr std::int64_t kPruned = 10;  // with every new one: faster than they come

}  // namespace

std::span<const std::string_view> Answers::steps() { return kSteps; }

Result<std::optional<Answered>> Answers::find(std::string_view tenant, std::string_view key, WallTime now) {
  return sql_.with([&](auto& sql) -> Result<std::optional<Answered>> {
    FM_TRY(const Rows found, sql->run("SELECT body_hash, at, statuses FROM answers "
                                      "WHERE tenant = $1 AND key = $2 AND at > $3",
                                      tenant, key, now - kAnswersKept));
    if (found.empty()) return std::optional<Answered>();
    const schema::Row& row = found.rows.front();
    return std::optional(Answered{text_at(row, 0), time_at(row, 1), text_at(row, 2)});
  });
}

Result<void> Answers::keep(std::string_view tenant, std::string_view key, const Answered& answered) {
  return sql_.with([&](auto& sql) {
    return sql->write([&]() -> Result<void> {
      const WallTime lapsed = answered.at - kAnswersKept;
      FM_TRY_(
          sql->run("INSERT INTO answers (tenant, key, body_hash, at, statuses) VALUES ($1, $2, $3, $4, $5) "
                   "ON CONFLICT (tenant, key) DO UPDATE SET body_hash = $3, at = $4, statuses = $5 "
                   "WHERE answers.at <= $6",
                   tenant, key, answered.body_hash, answered.at, answered.statuses, lapsed));
      FM_TRY_(
          sql->run("DELETE FROM answers WHERE (tenant, key) IN "
                   "(SELECT tenant, key FROM answers WHERE at <= $1 LIMIT $2)",
                   lapsed, kPruned));
      return {};
    });
  });
}

void Answers::rest() {
  sql_.with([](auto& sql) {
    if (auto done = sql->tidy(); !done) log_warn("checkpoint: " + done.error().what);
  });
}

}  // namespace fortium::service
