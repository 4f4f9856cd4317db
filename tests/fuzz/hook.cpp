// What Claude Code says to a hook, in any two pieces: what is kept is small and JSON, every record passes its check or
// names what is wrong, and the same event again makes no record of another id.
#include <nlohmann/json.hpp>
#include <set>

#include "claude/hook.h"
#include "fortium/metrics/event.h"
#include "fuzz/target.h"
#include "support/fakes.h"

using namespace fortium;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = fuzz::text_of(bytes + 1, size - 1);
  const std::size_t cut = std::min<std::size_t>(bytes[0], text.size());
  claude::Condenser whole, pieces;
  whole.feed(text);
  pieces.feed(text.substr(0, cut));
  pieces.feed(text.substr(cut));
  auto condensed = whole.finish();
  const auto same = pieces.finish();
  must(condensed.ok() == same.ok(), "where a piece ends does not matter");
  if (!condensed) return 0;
  must(condensed->text == same->text, "where a piece ends does not matter");
  must(condensed->text.size() <= claude::kMostBytes, "what is kept is small");
  const auto plain = parse_json(text);
  if (plain && plain->is_object()) must(parse_json(condensed->text).ok(), "what was JSON is JSON");

  const auto event = claude::read_event(std::move(*condensed));
  if (!event) return 0;
  const WallTime now = test::FakeClock().now();
  const claude::Told said = claude::tell(*event, {true, true, true, true, "salt"});
  auto read = parse_json(dump_json(said.fields));
  must(read.ok(), "what is told can be written down");
  const claude::Told told{std::move(*read)};
  const claude::Moment moment{now, 1};
  const claude::Happened happened = claude::what_happened(told, moment, {});
  std::vector<metrics::OpenCall> open;
  for (const metrics::Change& change : happened.changes) open.push_back(change.call);
  std::set<std::string> ids;
  for (const claude::Record& record : happened.records) {
    const metrics::Kind* kind = metrics::find_kind(record.kind);
    must(kind != nullptr, "a record is of a kind");
    for (const auto& violation : metrics::check_event(*kind, record.fields, now).violations)
      must(!violation.why.empty(), "a violation says why");
    ids.insert(record.fields["id"].get<std::string>());
  }
  for (const claude::Record& record : claude::what_happened(told, moment, {}).records)
    must(ids.contains(record.fields["id"].get<std::string>()), "the same event has the same ids");
  (void)claude::what_happened(told, moment, open);
  (void)claude::abandon(open);
  return 0;
}
