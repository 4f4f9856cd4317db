#include "fortium/schema/render.h"

#include <nlohmann/json.hpp>

namespace fortium::schema {

namespace {

Json shape_schema(Shape shape, Edge edge, bool open);

struct Render {
  Edge edge;
  bool open;

  Json operator()(const Text& type) const {
    Json out{{"type", "string"}, {"maxLength", type.max_chars}};
    if (type.min_chars > 0) out["minLength"] = type.min_chars;
    if (edge == Edge::record)
      out["pattern"] =
          type.multiline ? "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$" : "^[^\\u0000-\\u001f\\u007f]*$";
    return out;
  }
  Json operator()(const Integer& type) const {
    return {{"type", "integer"}, {"minimum", type.min}, {"maximum", type.max}};
  }
  Json operator()(const Number& type) const {
    const auto bound = [](double value) {
      std::string text;
      append_json_number(text, value);
      return Json::parse(text);
    };
    return {{"type", "number"}, {"minimum", bound(type.min)}, {"maximum", bound(type.max)}};
  }
  Json operator()(const Boolean& /*type*/) const { return {{"type", "boolean"}}; }
  Json operator()(const OneOf& type) const {
    Json words = Json::array();
    for (const std::string_view word : type.words) words.push_back(word);
    return {{"type", "string"}, {"enum", std::move(words)}};
  }
  Json operator()(const Timestamp& /*type*/) const { return {{"type", "string"}, {"format", "date-time"}}; }
  Json operator()(const Object& type) const {
    if (!type.fields.empty()) return shape_schema(type.fields, edge, open);
    return {{"type", "object"}, {"maxProperties", type.max_members}};
  }
  Json operator()(const List& type) const {
    return {{"type", "array"}, {"maxItems", type.max_items}, {"items", std::visit(*this, type.item->type)}};
  }
};

Json alias_schema(const Field& field, const Alias& alias, const Render& render) {
  switch (alias.convert) {
    case Convert::success_flag: return {{"type", "boolean"}};
    case Convert::minutes_to_ms: return {{"type", "number"}, {"minimum", 0}, {"maximum", 1440}};
    case Convert::same: break;
  }
  return std::visit(render, field.type);
}

Json shape_schema(Shape shape, Edge edge, bool open) {
  const Render render{edge, open};
  Json properties = Json::object();
  Json required = Json::array();
  Json any_of = Json::array();  // one entry a required field that has synonyms
  for (const Field& field : shape) {
    if (!offered(field, edge)) continue;
    Json& property = properties[std::string(field.name)] = std::visit(render, field.type);
    property["description"] = field.doc;
    // A model is shown one name for one thing; the synonyms still work.
    for (const Alias& alias : edge == Edge::call ? std::span<const Alias>() : field.aliases) {
      Json& synonym = properties[std::string(alias.name)] = alias_schema(field, alias, render);
      synonym["description"] = "The same as " + std::string(field.name) + ".";
      synonym["deprecated"] = true;
    }
    if (!demanded(field, edge)) continue;
    if (field.aliases.empty() || edge == Edge::call) {
      required.push_back(field.name);
      continue;
    }
    Json names = Json::array({Json{{"required", Json::array({field.name})}}});
    for (const Alias& alias : field.aliases) names.push_back(Json{{"required", Json::array({alias.name})}});
    any_of.push_back(Json{{"anyOf", std::move(names)}});
  }
  Json out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  if (!any_of.empty()) out["allOf"] = std::move(any_of);
  if (!open) out["additionalProperties"] = false;
  return out;
}

}  // namespace

Json json_schema(Shape shape, Edge edge, bool open) { return shape_schema(shape, edge, open); }

}  // namespace fortium::schema
