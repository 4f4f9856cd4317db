#include "audit.h"

#include <nlohmann/json.hpp>

#include "fortium/base/hash.h"

namespace fortium::service {

namespace {

constexpr std::int64_t kVerifyAtOnce = 1000;  // lines in memory

// JSON keeps the fields apart, whatever is in them.
std::string hash_of(std::string_view tenant, std::string_view before, const AuditLine& line) {
  std::string text = "[" + json_string(tenant) + "," + json_string(before) + "," + std::to_string(line.seq) + "," +
                     std::to_string(to_ms(line.at));
  for (const std::string* field : {&line.actor, &line.action, &line.subject, &line.detail})
    text += "," + json_string(*field);
  const Sha256 hash = sha256(text + "]");
  return to_hex(hash.data(), hash.size());
}

AuditLine line_of(const schema::Row& row) {
  return {.seq = integer_at(row, 0),
          .at = time_at(row, 1),
          .actor = text_at(row, 2),
          .action = text_at(row, 3),
          .subject = text_at(row, 4),
          .detail = text_at(row, 5),
          .hash = text_at(row, 6)};
}

Error wrong(std::int64_t seq, std::string_view how) {
  return {Errc::corrupt, "line " + std::to_string(seq) + " of the audit log " + std::string(how)};
}

}  // namespace

Result<void> Audit::add(std::string_view tenant, const Deed& deed) {
  return sql_.write([&]() -> Result<void> {
    FM_TRY(const Rows newest,
           sql_.run("SELECT seq, hash FROM audit WHERE tenant = $1 ORDER BY seq DESC LIMIT 1", tenant));
    AuditLine line{.seq = newest.empty() ? 1 : integer_at(newest.rows.front(), 0) + 1,
                   .at = clock_.now(),
                   .actor = std::string(deed.actor),
                   .action = std::string(deed.action),
                   .subject = std::string(deed.subject),
                   .detail = deed.detail};
    line.hash = hash_of(tenant, newest.empty() ? "" : text_at(newest.rows.front(), 1), line);
    FM_TRY_(
        sql_.run("INSERT INTO audit (tenant, seq, at, actor, action, subject, detail, hash) "
                 "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                 tenant, line.seq, line.at, line.actor, line.action, line.subject, line.detail, line.hash));
    return {};
  });
}

Result<std::vector<AuditLine>> Audit::page(std::string_view tenant, std::optional<std::int64_t> before,
                                           std::int64_t most) {
  FM_TRY(const Rows found, sql_.run("SELECT seq, at, actor, action, subject, detail, hash FROM audit "
                                    "WHERE tenant = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
                                    tenant, before.value_or(INT64_MAX), most));
  std::vector<AuditLine> lines;
  for (const schema::Row& row : found.rows) lines.push_back(line_of(row));
  return lines;
}

Result<AuditHead> Audit::verify(std::string_view tenant, std::string_view known) {
  AuditHead head;
  bool met = known.empty();
  while (true) {
    FM_TRY(const Rows found, sql_.run("SELECT seq, at, actor, action, subject, detail, hash FROM audit "
                                      "WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                                      tenant, head.lines, kVerifyAtOnce));
    for (const schema::Row& row : found.rows) {
      const AuditLine line = line_of(row);
      if (line.seq != head.lines + 1) return wrong(head.lines + 1, "is missing");
      if (line.hash != hash_of(tenant, head.hash, line)) return wrong(line.seq, "is not what was written");
      head = {line.seq, line.hash};
      met = met || line.hash == known;
    }
    if (found.empty()) break;
  }
  if (!met) return Error{Errc::corrupt, "no line of the audit log has the hash that is known"};
  return head;
}

Json to_json(const AuditLine& line) {
  auto detail = parse_json(line.detail);
  return {{"seq", line.seq},       {"at", to_rfc3339(line.at)}, {"actor", line.actor},
          {"action", line.action}, {"subject", line.subject},   {"detail", detail ? std::move(*detail) : Json()},
          {"hash", line.hash}};
}

}  // namespace fortium::service
