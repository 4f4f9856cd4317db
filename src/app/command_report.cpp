// `fortium-metrics report`: asks a question, and writes the answer in a form.
#include <iostream>

#include "commands.h"
#include "fortium/report/questions.h"
#include "fortium/report/render.h"
#include "local.h"
#include "terminal.h"
#include "time_of.h"

namespace fortium::app {

namespace {

Result<report::Asked> understand(const ReportCommand& command, const report::Question& question,
                                 const report::Form& form, WallTime now) {
  report::Asked asked{.zone = report::Zone::system(),
                      .project = command.project,
                      .source = command.source,
                      .by = report::find_by(command.by),
                      .limit = command.limit.value_or(form.whole ? 0 : report::kMostShown),
                      .for_more = "`--limit 0` shows all",
                      .explain = command.explain};
  asked.period = default_period(question, asked.by, asked.zone, now);
  if (!command.until.empty()) {
    FM_TRY(asked.period.until, until_of(command.until, now, asked.zone));
  }
  if (!command.since.empty()) {
    FM_TRY(asked.period.since, since_of(command.since, now, asked.zone));
  }
  if (asked.period.until <= asked.period.since) return Error{Errc::invalid, "--until: must be later than --since"};
  return asked;
}

}  // namespace

int run_report(const Settings& settings, const ReportCommand& command) {
  tell_problems(settings);
  const report::Question* question = report::find_question(command.question);
  const report::Form* form = report::find_form(command.format);
  if (question == nullptr || form == nullptr) return fail(kUsage, "no such question or form");
  if (!question->by && !command.by.empty()) return fail(kUsage, "--by: only with `report days`");
  Local local(settings);
  auto asked = understand(command, *question, *form, local.clock().now());
  if (!asked) return fail(kUsage, asked.error().what);
  auto reader = local.reader();
  if (!reader) return fail_store(reader.error());
  auto answer = question->answer(**reader, *asked);
  if (!answer) return fail_store(answer.error());
  std::cout << form->render(*answer, look_of_terminal());
  std::cout.flush();
  local.store().fold();  // where no server runs, that is left to who asks
  return std::cout.good() ? kDone : fail(kFailed, "not everything could be written to standard output");
}

}  // namespace fortium::app
