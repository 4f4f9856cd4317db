// The body of a small request, member by member: what is wrong with it is collected, and a member that nobody asked for
// is wrong, too. One request; one thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fortium/base/json.h"
#include "service/http/http.h"

namespace fortium::service {

constexpr std::size_t kMaxFieldsBytes = 64 * 1024;  // unpacked

class Fields {
 public:
  // The JSON object of a body, which may be empty for none; or what is wrong with it.
  static std::variant<Fields, Response> read(const Request& request);

  // A text; empty where it is absent. A name may have several spellings.
  std::string text(std::initializer_list<const char*> names);
  // The same, which must be there.
  std::string needed(std::initializer_list<const char*> names);
  std::optional<std::int64_t> integer(const char* name, std::int64_t least, std::int64_t most);
  // Texts of a list, or of one text with commas.
  std::string words(const char* name);
  bool has(const char* name) const;
  bool is_null(const char* name) const;

  void wrong(std::string_view name, std::string_view why);
  // 400 if anything was wrong.
  std::optional<Response> refused(const Request& request);

 private:
  explicit Fields(Json json);
  const Json* take(const char* name);

  Json json_;
  std::vector<std::string> asked_;
  std::vector<FieldError> errors_;
};

}  // namespace fortium::service
