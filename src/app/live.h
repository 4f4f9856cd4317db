// What `watch` shows: one answer, put together from those of several questions, and how the lines of a screen are made
// of it. No terminal in it; a reader belongs to one thread.
#pragma once

#include <string>
#include <vector>

#include "fortium/report/questions.h"
#include "fortium/report/render.h"

namespace fortium::app {

// Who recorded in the last so many minutes is at work.
constexpr Millis kAtWork{15 * 60'000};
// Of the series of tool calls by the minute.
constexpr std::int64_t kRateMinutes = 60;

// The period's totals; the sessions at work and the tool calls of the last hour, minute by minute; the tools and models
// of the period; what failed last.
Result<report::Report> live_report(metrics::Reader& reader, const report::Asked& asked, WallTime now);

// The same as a table, as far as there is room.
std::vector<std::string> live_lines(const report::Report& report, const report::Look& look, std::size_t rows);

}  // namespace fortium::app
