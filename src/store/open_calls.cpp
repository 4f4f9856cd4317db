#include "open_calls.h"

#include <string>

namespace fortium::store {

using metrics::Change;
using metrics::OpenCall;

namespace {

const std::string kColumns =
    "session_id, what, key, name, prompt_id, agent_id, state, detail, count, pid, started, seen";
constexpr std::string_view kWhere = " WHERE session_id = ? AND what = ? AND key = ?";

Result<std::vector<OpenCall>> read_all(Statement& list) {
  std::vector<OpenCall> calls;
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return calls;
    OpenCall call;
    int column = 0;
    for (std::string* text : {&call.session_id, &call.what, &call.key, &call.name, &call.prompt_id, &call.agent_id,
                              &call.state, &call.detail})
      *text = list.text(column++);
    call.count = list.integer(column++);
    call.pid = list.integer(column++);
    call.started = from_ms(list.integer(column++));
    call.seen = from_ms(list.integer(column));
    calls.push_back(std::move(call));
  }
}

Result<void> keep(Db& db, const std::string& verb, const OpenCall& call, const std::string& rest) {
  FM_TRY(Statement add, db.prepare(verb + " INTO open_call (" + kColumns +
                                   ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)" + rest));
  return add
      .bind(call.session_id, call.what, call.key, call.name, call.prompt_id, call.agent_id, call.state, call.detail,
            call.count, call.pid, to_ms(call.started), to_ms(call.seen))
      .run();
}

Result<void> change(Db& db, const Change& change) {
  const OpenCall& call = change.call;
  switch (change.what) {
    case Change::Do::begin: return keep(db, "INSERT OR IGNORE", call, "");
    case Change::Do::renew: return keep(db, "INSERT OR REPLACE", call, "");
    case Change::Do::count: {
      static const std::string kOnceMore =
          " ON CONFLICT DO UPDATE SET count = count + 1, state = ?7, seen = ?12 WHERE state <> ?7 OR seen < ?12 - " +
          std::to_string(metrics::kSameMoment.count());
      return keep(db, "INSERT", call, kOnceMore);
    }
    case Change::Do::mark: {
      FM_TRY(Statement mark, db.prepare("UPDATE open_call SET state = ?" + std::string(kWhere)));
      return mark.bind(call.state, call.session_id, call.what, call.key).run();
    }
    case Change::Do::end: {
      FM_TRY(Statement end, db.prepare("DELETE FROM open_call" + std::string(kWhere)));
      return end.bind(call.session_id, call.what, call.key).run();
    }
    case Change::Do::close: {
      FM_TRY(Statement close, db.prepare("DELETE FROM open_call WHERE session_id = ?"));
      return close.bind(call.session_id).run();
    }
  }
  return {};
}

}  // namespace

Result<std::vector<OpenCall>> open_calls_of(Db& db, std::string_view session_id) {
  FM_TRY(Statement list,
         db.prepare("SELECT " + kColumns + " FROM open_call WHERE session_id = ? ORDER BY started, key"));
  list.bind(session_id);
  return read_all(list);
}

Result<std::vector<OpenCall>> silent_calls(Db& db, std::string_view what, std::string_view state, WallTime before,
                                           std::int64_t limit) {
  FM_TRY(Statement list, db.prepare("SELECT " + kColumns +
                                    " FROM open_call WHERE what = ? AND state = ? AND seen < ? ORDER BY seen LIMIT ?"));
  list.bind(what, state, to_ms(before), limit);
  return read_all(list);
}

Result<bool> is_open(Db& db, std::string_view session_id, std::string_view what, std::string_view state) {
  FM_TRY(Statement find, db.prepare("SELECT 1 FROM open_call WHERE session_id = ? AND what = ? AND state = ?"));
  return find.bind(session_id, what, state).step();
}

Result<void> change_open_calls(Db& db, const metrics::Changes& changes) {
  for (const Change& one : changes) FM_TRY_(change(db, one));
  return {};
}

}  // namespace fortium::store
