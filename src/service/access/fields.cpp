#include "fields.h"

#include <algorithm>

#include "service/http/gzip.h"
#include "service/limits.h"
#include "service/route.h"

namespace fortium::service {

namespace {

const schema::Field* find(schema::Shape form, std::string_view name) {
  const auto called = [name](const schema::Field& field) {
    return field.name == name || std::ranges::find(field.aliases, name, &schema::Alias::name) != field.aliases.end();
  };
  const auto at = std::ranges::find_if(form, called);
  return at != form.end() ? &*at : nullptr;
}

Json split(std::string_view text) {
  Json words = Json::array();
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    words.push_back(word);
  }
  return words;
}

}  // namespace

std::variant<Fields, Response> Fields::read(const Call& call, WallTime now) {
  const Request& request = call.request;
  std::string body = request.body;
  if (!request.header("Content-Encoding").empty() && request.header("Content-Encoding") != "identity") {
    auto plain = gunzip(request.body, kMaxFieldsBytes);
    if (!plain) return problem(request, 400, "invalid_encoding", plain.error().what);
    body = std::move(*plain);
  }
  if (body.empty()) return Fields(call.route.form, Json::object(), now);
  if (body.size() > kMaxFieldsBytes)
    return problem(
        request, 413, "too_large",
        "the body has " + std::to_string(body.size()) + " bytes, limit is " + std::to_string(kMaxFieldsBytes));
  auto json = parse_json(body);
  if (!json) return problem(request, 400, "invalid_json", "the body is not valid JSON: " + json.error().what);
  if (!json->is_object()) return problem(request, 400, "validation_error", "the body must be a JSON object");
  return Fields(call.route.form, std::move(*json), now);
}

Fields::Fields(schema::Shape form, Json json, WallTime now) : form_(form), json_(std::move(json)) {
  Json known = Json::object();
  for (auto& [name, member] : json_.items()) {
    const schema::Field* field = find(form, name);
    if (field == nullptr)
      wrong(std::string_view(name).substr(0, kMaxRefusalBytes), "is not known here");
    else if (std::holds_alternative<schema::List>(field->type) && member.is_string())
      known[name] = split(member.get_ref<const std::string&>());
    else
      known[name] = member;
  }
  schema::Checked checked = schema::check(form, known, schema::Edge::record, now);
  row_ = std::move(checked.row);
  for (const schema::Violation& violation : checked.violations)
    wrong(violation.where.substr(1, violation.where.find('/', 1) - 1), violation.why);
}

const schema::Value& Fields::value(std::string_view name) const {
  const auto at = std::ranges::find(form_, name, &schema::Field::name);
  FM_CHECK(at != form_.end());
  return row_[static_cast<std::size_t>(at - form_.begin())];
}

std::string Fields::text(std::string_view name) const {
  const auto* text = std::get_if<std::string>(&value(name));
  return text != nullptr ? *text : std::string();
}

std::optional<std::int64_t> Fields::integer(std::string_view name) const {
  const auto* number = std::get_if<std::int64_t>(&value(name));
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

std::vector<std::string> Fields::words(std::string_view name) const {
  std::vector<std::string> words;
  const auto list = parse_json(text(name));  // empty where it is absent
  if (list && list->is_array())
    for (const Json& word : *list)
      if (word.is_string()) words.push_back(word.get<std::string>());
  return words;
}

bool Fields::given(std::string_view name) const {
  return std::ranges::any_of(json_.items(), [&](const auto& member) {
    const schema::Field* field = find(form_, member.key());
    return field != nullptr && field->name == name;
  });
}

void Fields::wrong(std::string_view name, std::string_view why) {
  errors_.push_back({std::string(name), std::string(why)});
}

std::optional<Response> Fields::refused(const Request& request) const {
  if (errors_.empty()) return std::nullopt;
  std::vector<FieldError> errors = errors_;  // in the order of the form; what it has not comes last
  std::ranges::stable_sort(errors, {}, [this](const FieldError& error) {
    const schema::Field* field = find(form_, error.field);
    return field != nullptr ? field - form_.data() : static_cast<std::ptrdiff_t>(form_.size());
  });
  return invalid(request, errors);
}

}  // namespace fortium::service
