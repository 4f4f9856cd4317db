// The period and the filters that the parameters of a URL ask for. Pure; any thread.
#pragma once

#include <optional>
#include <variant>

#include "fortium/metrics/report.h"
#include "fortium/schema/check.h"
#include "service/http/http.h"

namespace fortium::service {

inline constexpr schema::Field kFromParameter{.name = "from",
                                              .type = schema::Text{.max_chars = 40},
                                              .doc = "First day, or first moment (RFC 3339), of the period.",
                                              .need = schema::Need::optional};
inline constexpr schema::Field kToParameter{.name = "to",
                                            .type = schema::Text{.max_chars = 40},
                                            .doc = "Last day, or the moment before which the period ends.",
                                            .need = schema::Need::optional};

// Both may be absent: then it is the last seven days, to the end of this minute, so that answers about "now" are the
// same for a minute.
std::variant<metrics::Period, FieldError> read_period(const schema::Value& from, const schema::Value& to, WallTime now);

}  // namespace fortium::service
