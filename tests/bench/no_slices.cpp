// A table of slices that keeps none: linked instead of src/store/slices.cpp into the floor of what slices cost a
// record.
#include "store/slices.h"

namespace fortium::store {

Result<void> SliceTable::add(const metrics::Event& /*event*/) { return {}; }
Result<void> SliceTable::add(const metrics::SliceKey& /*key*/, const metrics::Figures& /*figures*/,
                             const metrics::Figures& /*common*/) {
  return {};
}
Result<void> SliceTable::write() { return {}; }
void SliceTable::forget() {}

Result<bool> each_slice(Db& /*db*/, std::int64_t /*from*/, std::int64_t /*until*/, const metrics::Wanted& /*wanted*/,
                        const metrics::TakeSlice& /*take*/) {
  return true;
}
Result<std::vector<std::int64_t>> differing_hours(Database& /*database*/, const Step& /*step*/) {
  return std::vector<std::int64_t>();
}
Result<void> rebuild(Database& /*database*/, const std::vector<std::int64_t>& /*hours*/) { return {}; }

}  // namespace fortium::store
