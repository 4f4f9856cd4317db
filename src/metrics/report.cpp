#include "fortium/metrics/report.h"

namespace fortium::metrics {

std::string_view name(Trend trend) {
  switch (trend) {
    case Trend::improving: return "improving";
    case Trend::stable: return "stable";
    case Trend::degrading: return "degrading";
  }
  return "stable";
}

}  // namespace fortium::metrics
