#include "read_period.h"

namespace fortium::service {

namespace {

constexpr const char* kRule = "must be a day such as 2026-01-31, or a date and time (RFC 3339)";

struct Moment {
  WallTime time{};
  bool day = false;
};

std::optional<Moment> read(const std::string& text) {
  if (const auto midnight = parse_rfc3339(text + "T00:00:00Z")) return Moment{*midnight, true};
  if (const auto time = parse_rfc3339(text)) return Moment{*time, false};
  return std::nullopt;
}

}  // namespace

std::variant<metrics::Period, FieldError> read_period(const schema::Value& from, const schema::Value& to,
                                                      WallTime now) {
  metrics::Period period{{}, std::chrono::floor<std::chrono::minutes>(now) + std::chrono::minutes(1)};
  if (const auto* text = std::get_if<std::string>(&to)) {
    const auto moment = read(*text);
    if (!moment) return FieldError{"to", kRule};
    period.until = moment->day ? moment->time + std::chrono::days(1) : moment->time;
  }
  period.since = period.until - std::chrono::days(7);
  if (const auto* text = std::get_if<std::string>(&from)) {
    const auto moment = read(*text);
    if (!moment) return FieldError{"from", kRule};
    period.since = moment->time;
  }
  if (period.until <= period.since) return FieldError{"to", "must not be before from"};
  return period;
}

}  // namespace fortium::service
