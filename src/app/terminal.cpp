#include "terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>

namespace fortium::app {

namespace {

constexpr std::int64_t kRedrawMs = 100;
constexpr std::int64_t kLineMs = 5'000;
constexpr std::int64_t kBarWidth = 30;
constexpr std::size_t kMostWidth = 200;  // wider lines are hard to follow

bool says_utf8() {
  const locale_t locale = ::newlocale(LC_CTYPE_MASK, "", nullptr);
  if (locale == nullptr) return false;
  const bool utf8 = std::string_view(::nl_langinfo_l(CODESET, locale)) == "UTF-8";
  ::freelocale(locale);
  return utf8;
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// The screen's width, else what COLUMNS says: also where the output goes elsewhere.
std::size_t screen_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return std::min<std::size_t>(size.ws_col, kMostWidth);
  const char* columns = std::getenv("COLUMNS");
  const long said = columns != nullptr ? std::strtol(columns, nullptr, 10) : 0;
  return said > 0 ? std::min(static_cast<std::size_t>(said), kMostWidth) : report::Look{}.width;
}

}  // namespace

report::Look look_of_terminal() {
  const char* term = std::getenv("TERM");
  return {.width = screen_width(),
          .unicode = says_utf8(),
          .colour = ::isatty(STDOUT_FILENO) != 0 && !is_set("NO_COLOR") && term != nullptr &&
                    std::string_view(term) != "dumb"};
}

void Table::column(std::string title, Align align) { columns_.push_back({std::move(title), align}); }

void Table::row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(width_of(column.title));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::string out;
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string gap(widths[i] - width_of(cell), ' ');
      text += (i == 0 ? "" : "  ") + (columns_[i].align == Align::right ? gap + cell : cell + gap);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line([this](std::size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_) line([&row](std::size_t i) -> const std::string& { return row[i]; });
  return out;
}

Progress::Progress(std::string what, std::int64_t total)
    : what_(std::move(what)), total_(total), terminal_(::isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\033[K", stderr);
}

void Progress::show(std::int64_t done, std::int64_t now_ms) {
  if (started_ms_ < 0) started_ms_ = shown_ms_ = now_ms;
  if (now_ms - shown_ms_ < (terminal_ ? kRedrawMs : kLineMs) || total_ <= 0) return;
  shown_ms_ = now_ms;
  const double seconds = static_cast<double>(now_ms - started_ms_) / 1000;
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const double left_ms = rate > 0 ? static_cast<double>(total_ - done) / rate * 1000 : 0;
  const std::string figures = with_thousands(done) + " of " + with_thousands(total_) + ", " +
                              with_thousands(static_cast<std::int64_t>(rate)) + "/s, " + human_ms(left_ms) + " left";
  if (!terminal_) {
    std::fprintf(stderr, "%s: %s\n", what_.c_str(), figures.c_str());
    return;
  }
  const auto filled = static_cast<std::size_t>(std::clamp<std::int64_t>(done * kBarWidth / total_, 0, kBarWidth));
  std::string bar;
  for (std::size_t i = 0; i < static_cast<std::size_t>(kBarWidth); ++i) bar += i < filled ? "█" : "░";
  std::fprintf(stderr, "\r\033[K%s %s %s", what_.c_str(), bar.c_str(), figures.c_str());
  drawn_ = true;
}

}  // namespace fortium::app
