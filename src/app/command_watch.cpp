// `fortium-metrics watch`: the answers of now, on the whole screen, until somebody has seen enough.
#include <algorithm>
#include <array>

#include "commands.h"
#include "live.h"
#include "screen.h"
#include "status.h"
#include "terminal.h"

namespace fortium::app {

namespace {

constexpr Millis kLook{1'000};     // how often the store is asked whether there is more
constexpr Millis kEvenSo{15'000};  // and looked at even so: time goes by, and others send
constexpr int kShare = 100;        // it rests so many times as long as it worked
constexpr std::size_t kFooter = 2;

struct Span {
  char key;
  std::string_view name;
  int days;
};
constexpr std::array<Span, 3> kSpans = {{{'d', "today", 1}, {'w', "7 days", 7}, {'m', "30 days", 30}}};

std::string sending(const Settings& settings, const Status& status) {
  if (!status.trouble.empty()) return "store: " + status.trouble;
  std::string text = settings.disabled ? "recording is switched off" : "recording";
  if (status.spooled > 0) text += ", " + with_thousands(status.spooled) + " in the spool";
  if (settings.mode == Mode::local) return text + ", local only";
  text += ", " + with_thousands(status.queue.pending) + " waiting, " + with_thousands(status.queue.failed) + " refused";
  if (status.lane.circuit != sync::Circuit::closed) text += ", sync " + std::string(name_of(status.lane.circuit));
  if (!status.lane.last_error.empty()) text += ": " + status.lane.last_error;
  return text;
}

std::string keys(const Span& shown) {
  std::string text = "q leave";
  for (const Span& span : kSpans)
    text += "  " + std::string(1, span.key) + " " + std::string(span.name) + (&span == &shown ? "*" : "");
  return text;
}

class Watch {
 public:
  Watch(const Settings& settings, Screen& screen) : settings_(settings), local_(settings), screen_(screen) {}

  Result<void> run() {
    while (true) {
      FM_TRY_(draw());
      switch (screen_.wait(kLook)) {
        case Screen::Event::end: return {};
        case Screen::Event::resized: stale_ = true; break;
        case Screen::Event::nothing: break;
        case Screen::Event::key:
          if (screen_.key() == 'q') return {};
          for (const Span& span : kSpans)
            if (span.key == screen_.key()) span_ = &span, stale_ = true;
      }
    }
  }

 private:
  Result<void> draw() {
    const SteadyTime began = local_.clock().steady();
    if (!stale_ && began < not_before_) return {};
    FM_TRY(metrics::Reader* const reader, local_.reader());
    FM_TRY(std::vector<std::int64_t> counts, reader->counts());
    const WallTime now = local_.clock().now();
    if (!stale_ && counts == counts_ && now - drawn_ < kEvenSo) return {};
    counts_ = std::move(counts);
    drawn_ = now;
    stale_ = false;
    report::Asked asked{.zone = zone_};
    asked.period = last_days(span_->days, zone_, now);
    FM_TRY(const report::Report live, live_report(*reader, asked, now));
    report::Look look = look_of_terminal();
    look.width = screen_.columns();
    const std::size_t room = screen_.rows() > kFooter ? screen_.rows() - kFooter : 0;
    std::vector<std::string> lines = live_lines(live, look, room);
    lines.resize(room);
    for (const std::string& line : {sending(settings_, read_status(settings_, local_)), keys(*span_)})
      lines.push_back(report::shortened(report::harmless(line), screen_.columns()));
    screen_.show(std::move(lines));
    const SteadyTime done = local_.clock().steady();
    not_before_ = done + std::min<SteadyTime::duration>((done - began) * kShare, kEvenSo);
    return {};
  }

  const Settings& settings_;
  Local local_;
  Screen& screen_;
  const report::Zone zone_ = report::Zone::system();
  const Span* span_ = kSpans.data();
  std::vector<std::int64_t> counts_;
  WallTime drawn_{};
  SteadyTime not_before_{};
  bool stale_ = true;
};

}  // namespace

int run_watch(const Settings& settings) {
  tell_problems(settings);
  auto screen = Screen::open();
  if (!screen) return fail(kUsage, screen.error().what + " (`fortium-metrics report` needs none)");
  const Result<void> done = Watch(settings, **screen).run();
  screen->reset();
  return done ? kDone : fail_store(done.error());
}

}  // namespace fortium::app
