// What people see, to the byte: golden/<question>.<form>. After a change, tests/update writes them; read the
// difference.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "report/forms.h"
#include "world.h"

using namespace fortium;
using namespace fortium::report;
using namespace fortium::test;

namespace {

std::string read_golden(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void compare(const std::string& name, const std::string& text) {
  const std::string path = FORTIUM_GOLDEN_DIR "/" + name;
  if (std::getenv("FM_UPDATE") != nullptr) std::ofstream(path, std::ios::binary) << text;
  CAPTURE(name);
  CHECK(text == read_golden(path));
}

Report answer_of(const Question& question, By by = By::day) {
  ListReader reader(made_up_work(question.back.days > 100 ? 400 : 60));
  Asked asked = asked_of(question, by);
  asked.limit = 6;
  return *question.answer(reader, asked);
}

}  // namespace

TEST_CASE("every question, as it looks") {
  const TimeZone held("Europe/Berlin");
  for (const Question& question : questions()) {
    const Report report = answer_of(question);
    const std::string name(question.name);
    compare(name + ".txt", to_table(report, {.width = 80}));
    for (const char* form : {"json", "csv", "markdown"})
      compare(name + "." + form, find_form(form)->render(report, {}));
  }
}

TEST_CASE("a narrow screen, a wide one, one without Unicode, and one with colours") {
  const TimeZone held("Europe/Berlin");
  for (const char* name : {"summary", "tools", "days", "year"}) {
    const Report report = answer_of(*find_question(name));
    for (const std::size_t width : {60U, 140U})
      compare(std::string(name) + "." + std::to_string(width) + ".txt", to_table(report, {.width = width}));
    compare(std::string(name) + ".ascii.txt", to_table(report, {.width = 80, .unicode = false}));
    compare(std::string(name) + ".colour.txt", to_table(report, {.width = 80, .colour = true}));
    compare(std::string(name) + ".html", find_form("html")->render(report, {}));
  }
}

TEST_CASE("weeks, months, and nothing") {
  const TimeZone held("Asia/Kathmandu");
  const Question& days = *find_question("days");
  compare("weeks.txt", to_table(answer_of(days, By::week), {}));
  compare("months.txt", to_table(answer_of(days, By::month), {}));
  ListReader nothing({});
  std::string all;
  for (const Question& question : questions())
    all += to_table(*question.answer(nothing, asked_of(question)), {}) + "\n";
  compare("nothing.txt", all);
}

TEST_CASE("no line is wider than the screen, whatever its width") {
  const TimeZone held("Pacific/Apia");
  for (const Question& question : questions()) {
    const Report report = answer_of(question);
    for (std::size_t width = kLeastWidth; width < 160; width += 3) {
      std::istringstream text(to_table(report, {.width = width}));
      for (std::string line; std::getline(text, line);) {
        CAPTURE(line);
        CHECK(width_of(line) <= width);
      }
    }
  }
}
