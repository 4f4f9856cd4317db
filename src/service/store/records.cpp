#include "records.h"

#include <optional>

#include "service/limits.h"

namespace fortium::service {

Result<std::vector<metrics::Stored>> Records::append(std::span<metrics::Event> events,
                                                     const std::vector<bool>& stamped) {
  const auto write = [this](std::span<metrics::Event> all, const std::vector<bool>& all_stamped) {
    return append_all(all, all_stamped);
  };
  return group_.append(events, stamped, {.write = write, .settle = [this] { return settle(); }});
}

Result<void> Records::each_record(const metrics::Kind& kind, const metrics::Period& period,
                                  const std::optional<After>& after, const metrics::TakeEvent& take) {
  return at_one_moment([&](Snapshot& now) { return now.each_record(kind, period, after, take); });
}

Result<LedgerPage> Records::ledger(const LedgerQuery& query) {
  LedgerPage page;
  const auto read = [&](Snapshot& now) -> Result<void> {
    FM_TRY(page.rows, now.ledger_rows(query));
    if (page.rows.size() > kMaxLedgerRows) {
      page.rows.resize(kMaxLedgerRows);
      page.next = LedgerQuery::Place{page.rows.back().day, std::string(page.rows.back().kind->name), ""};
    }
    if (!query.ids) return {};

    std::size_t left = kMaxLedgerIds;
    std::vector<LedgerRow> rows;
    for (LedgerRow& row : page.rows) {
      const bool goes_on = row.day == query.after.day && row.kind->name == query.after.kind;
      const std::string after = goes_on ? query.after.id : std::string();
      FM_TRY(row.ids, now.ledger_ids(row, query, after, left));
      left -= row.ids.size();
      const LedgerQuery::Place here{row.day, std::string(row.kind->name),
                                    row.ids.empty() ? query.after.id : row.ids.back()};
      if (!goes_on || !row.ids.empty()) rows.push_back(std::move(row));
      if (left == 0) {
        page.next = here;
        break;
      }
    }
    page.rows = std::move(rows);
    return {};
  };
  FM_TRY_(at_one_moment(read));
  return page;
}

}  // namespace fortium::service
