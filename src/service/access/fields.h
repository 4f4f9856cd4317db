// The body of a small request, checked against the form that its row publishes. What is wrong with it is collected, and
// a member that the form has not is wrong, too. One request; one thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fortium/base/json.h"
#include "fortium/schema/check.h"
#include "service/http/http.h"

namespace fortium::service {

struct Call;

constexpr std::size_t kMaxFieldsBytes = 64 << 10;  // unpacked

class Fields {
 public:
  // The JSON object of a body, which may be empty for one without members; or why it is none. The call's row must
  // outlive it. A list of words may come as one text, with commas.
  static std::variant<Fields, Response> read(const Call& call, WallTime now);

  // Of a field of the form; empty where it is absent.
  std::string text(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::vector<std::string> words(std::string_view name) const;
  // null is given, too.
  bool given(std::string_view name) const;

  // What the form cannot say.
  void wrong(std::string_view name, std::string_view why);
  // 400 if anything was wrong.
  std::optional<Response> refused(const Request& request) const;

 private:
  Fields(schema::Shape form, Json json, WallTime now);
  const schema::Value& value(std::string_view name) const;

  schema::Shape form_;
  Json json_;
  schema::Row row_;
  std::vector<FieldError> errors_;
};

}  // namespace fortium::service
