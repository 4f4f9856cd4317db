// One score of how smoothly work goes, from 0 to 100, with everything that it is made of. Not of how much is done: who
// does more of what fails has no better score. Private to report.
#pragma once

#include "grouped.h"

namespace fortium::report {

// score = 100 × the weighted mean of what is known of
//   success (40): share of commands, tool calls and agent interactions that ended in success
//   focus   (30): share of the active time in stretches of at least 25 minutes
//   speed   (30): time that this period's calls would have taken at the mean durations of the period before, as a share
//                 of the time they took, at most 1; of what was timed at least 5 times in both
// Groups are by kind and name. No score without any of them.
Value score_of(const Tally& all, const Groups& now, const Groups& before);

// The same with its parts, as table "score", and the formula as a note.
void add_score(Report& report, const Tally& all, const Groups& now, const Groups& before);

}  // namespace fortium::report
