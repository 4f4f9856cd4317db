#include "administer.h"

#include <nlohmann/json.hpp>

#include "fortium/base/json.h"

namespace fortium::service {

Response done(int status, const Json& data) {
  return {.status = status, .body = dump_json({{"success", true}, {"data", data}})};
}

Response failed(const Request& request, const Error& error) {
  switch (error.code) {
    case Errc::invalid: return problem(request, 400, "validation_error", error.what);
    case Errc::not_found: return problem(request, 404, "not_found", error.what);
    case Errc::conflict: return problem(request, 409, "conflict", error.what);
    case Errc::busy:
    case Errc::full:
    case Errc::unavailable:
    case Errc::unauthorized:
    case Errc::corrupt:
    case Errc::cancelled:
    case Errc::internal: break;
  }
  return store_problem(request, error);
}

std::optional<Millis> duration(Fields& fields, const char* name) {
  const std::string text = fields.text({name});
  if (text.empty()) return std::nullopt;
  const auto time = parse_duration(text);
  if (!time) fields.wrong(name, time.error().what);
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace fortium::service
