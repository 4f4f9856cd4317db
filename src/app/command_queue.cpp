// `fortium-metrics queue`: what waits, what was refused and why, and what to do with it.
#include <iostream>
#include <nlohmann/json.hpp>

#include "../store/sqlite_store.h"
#include "commands.h"
#include "local.h"
#include "terminal.h"

namespace fortium::app {

namespace {

Json to_json(const store::QueueEntry& entry) {
  return {{"id", entry.id},
          {"kind", entry.kind},
          {"state", entry.state},
          {"attempts", entry.attempts},
          {"since", to_rfc3339(entry.since)},
          {"reason", entry.reason.empty() ? Json() : Json(entry.reason)}};
}

int list(store::Database& database, const Clock& clock, const QueueCommand& command) {
  auto page = store::list_queue(database, command.failed, command.limit, command.cursor, clock.now());
  if (!page) return page.error().code == Errc::invalid ? fail(kUsage, page.error().what) : fail_store(page.error());
  if (command.json) {
    Json records = Json::array();
    for (const store::QueueEntry& entry : page->entries) records.push_back(to_json(entry));
    std::cout << dump_json({{"records", std::move(records)},
                            {"next_cursor", page->next_cursor ? Json(*page->next_cursor) : Json()}})
              << "\n";
    return kDone;
  }
  if (page->entries.empty()) {
    std::cout << (command.failed ? "nothing was refused\n" : "nothing waits\n");
    return kDone;
  }
  Table table;
  for (const char* title : {"ID", "KIND", "STATE"}) table.column(title);
  table.column("ATTEMPTS", Table::Align::right);
  for (const char* title : {"SINCE", "REASON"}) table.column(title);
  for (const store::QueueEntry& entry : page->entries)
    table.row(
        {entry.id, entry.kind, entry.state, std::to_string(entry.attempts), to_rfc3339(entry.since), entry.reason});
  std::cout << table.text();
  if (page->next_cursor) std::cout << "more: --cursor " << *page->next_cursor << "\n";
  return kDone;
}

int show(store::Database& database, const QueueCommand& command) {
  for (const metrics::Kind& kind : metrics::kinds()) {
    auto event = store::read_event(database.db(), kind, command.ids.front());
    if (!event) {
      if (event.error().code == Errc::not_found) continue;
      return fail_store(event.error());
    }
    std::string line;
    append_wire(line, *event, /*named=*/true);
    std::cout << (command.json ? line : dump_json_pretty(*parse_json(line))) << "\n";
    return kDone;
  }
  return fail(kFailed, "no record has the id " + command.ids.front());
}

int change(store::Database& database, const QueueCommand& command) {
  const bool drop = command.what == QueueCommand::Do::drop;
  if (drop && !command.yes) return fail(kUsage, "dropped records are never sent; say --yes if that is what you want");
  if (!drop && command.ids.empty() && !command.all) return fail(kUsage, "name ids, or --all");
  auto moved = drop ? store::drop_queued(database, command.ids) : store::retry_set_aside(database, command.ids);
  if (!moved) return fail_store(moved.error());
  if (command.json)
    std::cout << Json{{drop ? "dropped" : "queued", *moved}}.dump() << "\n";
  else
    std::cout << (drop ? "dropped " : "queued again: ") << with_thousands(*moved) << "\n";
  return !command.ids.empty() && *moved == 0 ? fail(kFailed, "none of these ids is in the queue") : kDone;
}

}  // namespace

int run_queue(const Settings& settings, const QueueCommand& command) {
  tell_problems(settings);
  Local local(settings);
  if (command.what == QueueCommand::Do::settle) return settle_queue(settings, local, command);
  auto database = local.store().database();
  if (!database) return fail_store(database.error());
  switch (command.what) {
    case QueueCommand::Do::list: return list(**database, local.clock(), command);
    case QueueCommand::Do::show: return show(**database, command);
    case QueueCommand::Do::retry:
    case QueueCommand::Do::drop: return change(**database, command);
    case QueueCommand::Do::settle: break;
  }
  return kUsage;
}

}  // namespace fortium::app
