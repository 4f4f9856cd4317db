// The questions that `report`, the tools and the service answer: one table, one function a question. Pure but for the
// reader; a reader belongs to one thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fortium/base/result.h"
#include "fortium/report/report.h"

namespace fortium::report {

enum class By { day, week, month };
inline constexpr std::string_view kBys[] = {"day", "week", "month"};

struct Asked {
  metrics::Period period;
  Zone zone;
  std::string project, source;     // only these; empty: all
  By by = By::day;                 // of what is asked by time
  std::int64_t limit = 0;          // rows at most; 0: all
  std::string_view for_more = {};  // how to ask for the rows that were left out
  bool explain = false;            // show how a score comes about
};

// The period that is meant where none is named: so many days back from now, from a full hour (of UTC) on, or days of
// the calendar with today's.
struct Back {
  int days = 7;
  bool calendar = false;
};

struct Question {
  std::string_view name;
  std::string_view doc;  // what it answers
  Back back;
  bool by = false;  // heeds Asked::by
  Result<Report> (*answer)(metrics::Reader& reader, const Asked& asked);
};

// In the order in which people are told of them.
std::span<const Question> questions();
// nullptr when there is none.
const Question* find_question(std::string_view name);

// One of kBys; a day for any other text, the empty one above all.
By find_by(std::string_view text);

// So many days of the calendar, with today's so far.
metrics::Period last_days(int days, const Zone& zone, WallTime now);
// With what is recorded in this very millisecond. By weeks and months, twelve of them.
metrics::Period default_period(const Question& question, By by, const Zone& zone, WallTime now);

}  // namespace fortium::report
