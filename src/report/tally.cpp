#include "tally.h"

#include <algorithm>
#include <numeric>

namespace fortium::report {

namespace {

bool has_outcome(std::size_t kind) { return (kOutcomes >> kind & 1U) != 0; }

}  // namespace

std::int64_t Tally::records() const { return std::accumulate(counts.begin(), counts.end(), std::int64_t{0}); }

void Tally::add(const Told& told, bool percentiles) {
  const metrics::SliceKey& key = told.slice.key;
  const metrics::Figures& figures = told.slice.figures;
  const bool none = records() == 0;
  first = none ? figures.first : std::min(first, figures.first);
  last = none ? figures.last : std::max(last, figures.last);
  counts[key.kind] += figures.count;
  if (has_outcome(key.kind)) percentiles ? outcomes.merge(figures) : outcomes.merge_sums(figures);
  if (key.kind == kRequests) requests.merge_sums(figures);
  time.add(told.slice, told.phase);
  by_day[told.local.day] += figures.count;
  if (!key.project.empty() &&
      std::pair(figures.last, std::string_view(key.project)) > std::pair(project_at_, std::string_view(project))) {
    project = key.project;
    project_at_ = figures.last;
  }
  if (figures.errors() > 0) {
    const WallTime hour = metrics::begin_of(key.hour, told.phase);
    if (last_bad == WallTime{}) first_bad = hour;
    last_bad = hour;
  }
}

Result<Folded> fold(metrics::Reader& reader, const metrics::Period& period, const Zone& zone, const Filter& filter,
                    const std::vector<GroupBy>& by) {
  Folded out;
  out.groups.resize(by.size());
  for (const Zone::Part& part : zone.parts(period, filter.grain)) {
    std::int64_t at = INT64_MIN;
    LocalTime local;
    FM_TRY_(reader.slices(part.period, part.phase, [&](const metrics::Slice& slice) {
      if ((filter.kinds >> slice.key.kind & 1U) == 0) return true;
      if (!filter.project.empty() && slice.key.project != filter.project) return true;
      if (!filter.source.empty() && slice.key.source != filter.source) return true;
      if (at != slice.key.hour) local = zone.local(slice.figures.first);
      at = slice.key.hour;
      const Told told{slice, part.phase, local};
      out.all.add(told, /*percentiles=*/false);
      for (std::size_t i = 0; i < by.size(); ++i)
        if (const auto group = by[i](told)) out.groups[i][*group].add(told, filter.percentiles != Percentiles::none);
      return true;
    }));
  }
  if (filter.percentiles == Percentiles::of_all)
    for (const auto& [name, tally] : out.groups.front()) out.all.outcomes.durations.merge(tally.outcomes.durations);
  return out;
}

}  // namespace fortium::report
