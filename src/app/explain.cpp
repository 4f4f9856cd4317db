#include "explain.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "../claude/transcript.h"
#include "../store/imports.h"

namespace fortium::app {

Result<Explained> explain_imports(store::Database& database) {
  store::Imports imports(database);
  FM_TRY(const auto files, imports.all());
  FM_TRY(const auto usage, imports.usage_by_session());
  Explained out;
  std::map<double, std::vector<claude::ClientTotal>> totals;  // by when they began to count
  for (const store::ImportedFile& file : files) {
    const auto carried = parse_json(file.carried);
    if (!carried) continue;
    const claude::TranscriptCounts counts = claude::counts_in(*carried);
    ++out.files;
    out.lines += counts.lines;
    out.merged += counts.merged;
    out.api_errors += counts.api_errors;
    out.replays += file.replays;
    out.copies += file.copies;
    if (auto total = claude::total_in(*carried)) totals[total->start_ms].push_back(std::move(*total));
  }
  for (const auto& [start, together] : totals) {
    const claude::ClientTotal& client = together.front();
    if (together.size() > 1) {
      out.forked += static_cast<std::int64_t>(together.size());
      continue;
    }
    const auto found = usage.find(client.session_id);
    const store::SessionUsage ours = found == usage.end() ? store::SessionUsage{} : found->second;
    ++out.sessions;
    const std::int64_t theirs = client.usage.total();
    ++(theirs == ours.tokens ? out.equal : theirs > ours.tokens ? out.more : out.fewer);
    out.client_tokens += theirs;
    out.tokens += ours.tokens;
    out.client_cost_usd += client.cost_usd;
    out.cost_usd += ours.cost_usd;
  }
  return out;
}

Json to_json(const Explained& one) {
  return {{"files", one.files},
          {"lines", one.lines},
          {"merged", {{"blocks", one.merged}, {"replays", one.replays}, {"copies", one.copies}}},
          {"api_errors", one.api_errors},
          {"client_totals",
           {{"sessions", one.sessions},
            {"equal", one.equal},
            {"client_has_more", one.more},
            {"client_has_fewer", one.fewer},
            {"forked", one.forked},
            {"tokens", {{"client", one.client_tokens}, {"recorded", one.tokens}}},
            {"cost_usd", {{"client", one.client_cost_usd}, {"recorded", one.cost_usd}}}}}};
}

}  // namespace fortium::app
