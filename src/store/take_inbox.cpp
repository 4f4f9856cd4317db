#include "take_inbox.h"

#include <algorithm>
#include <span>

#include "fortium/base/log.h"
#include "open_calls.h"

namespace fortium::store {

namespace {

Result<void> understand(SqliteStore& store, const Taking& taking, const metrics::Note& note) {
  FM_TRY(const auto open, open_calls_of(taking.database.db(), note.session_id));
  metrics::Meaning meaning = taking.understand(note, open);
  FM_TRY([[maybe_unused]] const auto stored, store.add(meaning.events, meaning.changes));
  return {};
}

Result<void> set_mark(Db& db, std::string_view mark) {
  FM_TRY(Statement put, db.prepare("INSERT INTO meta (name, value) VALUES ('inbox', ?1) "
                                   "ON CONFLICT DO UPDATE SET value = ?1"));
  return put.bind(mark).run();
}

// One transaction.
struct Portion {
  std::span<const Left> lines;  // of one destination
  std::string from, end;        // marks
  const metrics::Note* last;
};

// False: somebody else was first.
Result<bool> take(const Portion& portion, const Taking& taking) {
  std::unique_ptr<SqliteStore> other;
  if (!portion.lines.empty() && !(portion.lines.front().to == taking.own_to)) {
    FM_TRY(const std::int64_t lane, lane_of(taking.database, portion.lines.front().to));
    FM_TRY(other, SqliteStore::open(taking.database, lane));
  }
  SqliteStore& store = other ? *other : taking.own;
  bool first = true;
  FM_TRY_(store.write([&]() -> Result<void> {
    FM_TRY(const std::string mark, inbox_mark(taking.database.db()));
    first = mark == portion.from;
    if (!first) return {};
    for (const Left& left : portion.lines) FM_TRY_(understand(store, taking, left.note));
    if (portion.last != nullptr) FM_TRY_(understand(store, taking, *portion.last));
    return portion.end != portion.from ? set_mark(taking.database.db(), portion.end) : Result<void>();
  }));
  return first;
}

}  // namespace

Result<void> take_inbox(const Inbox& inbox, const Taking& taking, const metrics::Note* last) {
  bool one_by_one = false;
  while (true) {
    FM_TRY(const std::string from, inbox_mark(taking.database.db()));
    FM_TRY(const Inbox::Lines left, inbox.read(from));
    std::span<const Left> lines = left.lines;
    const auto elsewhere = std::ranges::find_if(lines, [&](const Left& one) { return !(one.to == lines.front().to); });
    lines = lines.first(static_cast<std::size_t>(elsewhere - lines.begin()));
    if (one_by_one && !lines.empty()) lines = lines.first(1);
    const bool rest = left.all && lines.size() == left.lines.size();
    const bool ours = lines.empty() || lines.front().to == taking.own_to;
    Portion portion{lines, from, lines.size() == left.lines.size() ? left.end : lines.back().mark,
                    rest && ours && !(one_by_one && !lines.empty()) ? last : nullptr};
    if (portion.end == from && portion.last == nullptr) return {};
    auto done = take(portion, taking);
    if (!done && done.error().code == Errc::invalid && !lines.empty()) {
      if (std::exchange(one_by_one, true)) {
        log_warn("inbox: what was told could not be recorded: " + done.error().what);
        portion.lines = {};
        done = take(portion, taking);
      } else {
        continue;
      }
    }
    FM_TRY(const bool first, std::move(done));
    if (first && portion.last != nullptr) return {};
  }
}

}  // namespace fortium::store
