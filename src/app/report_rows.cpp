#include "report_rows.h"

#include <nlohmann/json.hpp>

#include "fortium/report/questions.h"
#include "fortium/report/render.h"

namespace fortium::app {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

constexpr std::int64_t kMostRows = 100;
constexpr std::int64_t kMostDays = 1'100;
constexpr std::size_t kMostBytes = 38'000;  // of an answer: clients cut at 40 KB, or 25 000 tokens

const Shape& asked_shape() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const report::Question& question : report::questions()) names.push_back(question.name);
    return names;
  }();
  static const std::string kDoc = [] {
    std::string doc = "What is asked: ";
    for (const report::Question& question : report::questions())
      doc += (doc.back() == ' ' ? "" : "; ") + std::string(question.name) + ", " + std::string(question.doc);
    return doc + ".";
  }();
  static const Field kFields[] = {
      {.name = "question", .type = OneOf{kNames}, .doc = kDoc, .need = Need::optional},
      {.name = "days",
       .type = Integer{.min = 1, .max = kMostDays},
       .doc = "Days of the calendar to look back, today included; what the question is usually asked for, if absent.",
       .need = Need::optional},
      {.name = "by",
       .type = OneOf{report::kBys},
       .doc = "What a row of the question days is; a day, if absent. Where that is too long, a week or a month.",
       .need = Need::optional},
      {.name = "project",
       .type = Text{.max_chars = metrics::kMaxNameChars},
       .doc = "Only this project.",
       .need = Need::optional},
      {.name = "source",
       .type = OneOf{metrics::kSources},
       .doc = "Only what was recorded this way.",
       .need = Need::optional},
      {.name = "limit",
       .type = Integer{.min = 1, .max = kMostRows},
       .doc = "Rows at most, the first ones; 25, if absent.",
       .need = Need::optional},
  };
  static const Shape kShape = kFields;
  return kShape;
}

constexpr Field kRow{.name = "row", .type = Object{}, .doc = "What is known of one name, session or day."};
constexpr Field kAnswer[] = {
    {.name = "period", .type = Object{}, .doc = "What the answer is about: since, until, time zone."},
    {.name = "rows", .type = List{.item = &kRow, .max_items = kMostRows}, .doc = "The rows.", .need = Need::optional},
    {.name = "totals", .type = Object{}, .doc = "Of all rows there are, also those left out.", .need = Need::optional},
};

report::Asked asked_for(const report::Question& question, int days, report::By by, WallTime now) {
  report::Asked asked{.zone = report::Zone::system(), .by = by, .limit = report::kMostShown};
  asked.period = days > 0 ? last_days(days, asked.zone, now) : default_period(question, by, asked.zone, now);
  return asked;
}

std::string as_markdown(const report::Report& report) { return report::find_form("markdown")->render(report, {}); }

mcp::CallResult answer(mcp::Context& context, const Json& arguments) {
  const auto failed = [](const Error& error) { return mcp::CallResult::failure("get-report: " + error.what); };
  const report::Question& question = *report::find_question(arguments.value("question", "summary"));
  if (arguments.contains("by") && !question.by)
    return mcp::CallResult::failure("get-report: /by: only with the question days");
  report::Asked asked = asked_for(question, static_cast<int>(arguments.value("days", 0.0)),
                                  report::find_by(arguments.value("by", "")), context.clock.now());
  asked.project = arguments.value("project", "");
  asked.source = arguments.value("source", "");
  asked.limit = static_cast<std::int64_t>(arguments.value("limit", static_cast<double>(report::kMostShown)));
  if (asked.limit < kMostRows) asked.for_more = "a larger `limit` shows more";
  if (auto done = context.commit(); !done) return failed(done.error());
  auto reader = context.reader();
  if (!reader) return failed(reader.error());
  while (true) {
    auto found = question.answer(**reader, asked);
    if (!found) return failed(found.error());
    mcp::CallResult result = mcp::CallResult::json(to_json(*found));
    const bool few = found->tables.front().rows.size() <= static_cast<std::size_t>(kMostRows);
    if (few && result.text.size() <= kMostBytes) return result;
    // Days become weeks and months; of long names there are fewer.
    if (question.by && asked.by != report::By::month)
      asked.by = asked.by == report::By::day ? report::By::week : report::By::month;
    else if (asked.limit > 1)
      asked.limit /= 2;
    else
      return mcp::CallResult::failure("get-report: the answer is too long: ask for fewer days, or by month");
  }
}

// A prompt: what to do with the answers to some questions, which follow.
struct Review {
  std::string_view name, title, doc, task;
  int days;
  std::initializer_list<std::string_view> questions;
};

const Review kReviews[] = {
    {"standup",
     "Standup",
     "What was done since yesterday, for a standup.",
     "Write what I would say in a standup about my work with Claude Code since yesterday, in at most five short "
     "points: "
     "on which projects, what went well, what failed and may need attention. Use only the figures below, and do not "
     "guess what the work was about.",
     2,
     {"summary", "projects", "errors"}},
    {"weekly-review",
     "Weekly review",
     "This week against the last: what changed, and what to try next week.",
     "Review my week with Claude Code, from the figures below. Say first what changed against the week before and "
     "whether it is more than chance; then where the time and the money went; then what failed most. End with at most "
     "three things to try next week, each with the figure that will show whether it worked. Say where there is too "
     "little to tell.",
     7,
     {"summary", "days", "projects", "tools", "commands", "agents", "models", "errors"}},
    {"what-slows-me-down",
     "What slows me down",
     "Where time is lost: slow and failing tools, commands and agents.",
     "Find what slows my work with Claude Code down, from the figures below. Order by time lost: durations of what is "
     "slow, and of what fails and has to be done again. Name the two or three that are worth mending, say why, and how "
     "one would see that it worked. Leave out what is too rare to tell.",
     14,
     {"summary", "tools", "commands", "agents", "errors", "hours"}},
};

constexpr Field kReviewArguments[] = {
    {.name = "project",
     .type = Text{.max_chars = metrics::kMaxNameChars},
     .doc = "Only this project.",
     .need = Need::optional},
};

Result<std::string> write(const Review& review, mcp::Context& context, const Json& arguments) {
  constexpr std::int64_t kRows = 15;
  FM_TRY(metrics::Reader* const reader, context.reader());
  std::string text(review.task);
  text += " Durations are wall time.\n";
  std::int64_t done = 0;
  for (const std::string_view name : review.questions) {
    const report::Question& question = *report::find_question(name);
    report::Asked asked = asked_for(question, review.days, report::By::day, context.clock.now());
    asked.project = arguments.value("project", "");
    asked.limit = kRows;
    FM_TRY(const report::Report found, question.answer(*reader, asked));
    text += "\n" + as_markdown(found);
    FM_TRY_(context.pulse(++done, static_cast<std::int64_t>(review.questions.size()), "a question is answered"));
  }
  return text;
}

}  // namespace

void add_report_rows(mcp::Catalog& catalog) {
  catalog.tools.push_back({.name = "get-report",
                           .title = "Report",
                           .doc =
                               "Answer one question about how Claude Code is used: totals against the period before, "
                               "tools, commands, agents, models and cost, projects, sessions, errors, days, hours.",
                           .input = asked_shape(),
                           .output = kAnswer,
                           .read_only = true,
                           .run = answer});
  for (const Review& review : kReviews)
    catalog.prompts.push_back({.name = review.name,
                               .title = review.title,
                               .doc = review.doc,
                               .arguments = kReviewArguments,
                               .write = [&review](mcp::Context& context, const Json& arguments) {
                                 return write(review, context, arguments);
                               }});
}

}  // namespace fortium::app
