// Answers as JSON, and the schema of it: both walk the same columns.
#include <nlohmann/json.hpp>

#include "forms.h"

namespace fortium::report {

namespace {

struct Member {
  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(const std::string& text) const { return text; }
  Json operator()(std::int64_t number) const { return number; }
  Json operator()(double number) const {
    // Whole milliseconds and dollars are written as whole numbers.
    const auto whole = static_cast<std::int64_t>(number);
    return number > -1e15 && number < 1e15 && static_cast<double>(whole) == number ? Json(whole) : Json(number);
  }
  Json operator()(WallTime time) const { return to_rfc3339(time); }
  Json operator()(const Series& series) const { return series; }
};

// "tokens.input" is the member "input" of the object "tokens".
Json& member(Json& object, std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == name.npos) return object[std::string(name)];
  return object[std::string(name.substr(0, dot))][std::string(name.substr(dot + 1))];
}

Json object_of(const Table& table, const Row& row, bool totals) {
  Json out = Json::object();
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    // Totals have nothing to say where rows have their names.
    if (!totals || table.layout == Layout::card || table.columns[i].unit != Unit::text || row[i].index() != 0)
      if (!(totals && table.columns[i].unit == Unit::id))
        member(out, table.columns[i].name) = std::visit(Member{}, row[i]);
  return out;
}

Json rows_of(const Table& table) {
  Json out = Json::array();
  for (const Row& row : table.rows) out.push_back(object_of(table, row, /*totals=*/false));
  return out;
}

Json period_of(const metrics::Period& period, const Zone& zone) {
  return {{"since", to_rfc3339(period.since)}, {"until", to_rfc3339(period.until)}, {"timezone", zone.name()}};
}

Json type_of(const Column& column) {
  Json type;
  switch (column.unit) {
    case Unit::text:
    case Unit::id: type = {{"type", {"string", "null"}}}; break;
    case Unit::count:
    case Unit::tokens: type = {{"type", {"integer", "null"}}}; break;
    case Unit::share: type = {{"type", {"number", "null"}}, {"minimum", 0}, {"maximum", 1}}; break;
    case Unit::change: type = {{"type", {"number", "null"}}, {"minimum", -1}}; break;
    case Unit::duration:
    case Unit::usd: type = {{"type", {"number", "null"}}, {"minimum", 0}}; break;
    case Unit::time: type = {{"anyOf", {{{"type", "string"}, {"format", "date-time"}}, {{"type", "null"}}}}}; break;
    case Unit::series: type = {{"type", "array"}, {"items", {{"type", "integer"}, {"minimum", 0}}}}; break;
  }
  return type;
}

Json schema_of_object(const Table& table, bool totals) {
  Json out = {{"type", "object"}, {"properties", Json::object()}};
  for (const Column& column : table.columns) {
    if (totals && column.unit == Unit::id) continue;
    const std::size_t dot = column.name.find('.');
    Json* properties = &out["properties"];
    std::string_view name = column.name;
    if (dot != name.npos) {
      Json& nested = (*properties)[std::string(name.substr(0, dot))];
      nested["type"] = "object";
      properties = &nested["properties"];
      name.remove_prefix(dot + 1);
    }
    Json& type = (*properties)[std::string(name)] = type_of(column);
    if (!totals || table.layout == Layout::card) type["description"] = column.doc;  // rows say it already
    if (!totals && dot == std::string_view::npos) out["required"].push_back(name);
  }
  return out;
}

}  // namespace

Json to_json(const Report& report) {
  Json out = {{"question", report.question},
              {"period", period_of(report.period, report.zone)},
              {"filter",
               {{"project", report.project.empty() ? Json() : Json(report.project)},
                {"source", report.source.empty() ? Json() : Json(report.source)}}},
              {"notes", report.notes}};
  for (const Table& table : report.tables) {
    const bool first = &table == &report.tables.front();
    if (table.layout != Layout::card) out[first ? "rows" : std::string(table.name)] = rows_of(table);
    if (!first && table.layout == Layout::card)
      out[std::string(table.name)] = object_of(table, table.totals, /*totals=*/true);
    if (!first) continue;
    out["totals"] = object_of(table, table.totals, /*totals=*/true);
    if (table.before.empty()) continue;
    out["before"] = period_of(report.before, report.zone);
    out["totals_before"] = object_of(table, table.before, /*totals=*/true);
  }
  return out;
}

Json json_schema_of(const Report& report, const std::string& at) {
  const Json text = {{"type", "string"}};
  const Json time = {{"type", "string"}, {"format", "date-time"}};
  const Json period = {{"type", "object"},
                       {"properties", {{"since", time}, {"until", time}, {"timezone", text}}},
                       {"required", {"since", "until", "timezone"}}};
  const Json maybe = {{"type", {"string", "null"}}};
  Json out = {{"type", "object"},
              {"properties",
               {{"question", {{"const", report.question}}},
                {"period", period},
                {"filter", {{"type", "object"}, {"properties", {{"project", maybe}, {"source", maybe}}}}},
                {"notes", {{"type", "array"}, {"items", text}}}}},
              {"required", {"question", "period", "filter", "notes", "totals"}}};
  Json& properties = out["properties"];
  for (const Table& table : report.tables) {
    const bool first = &table == &report.tables.front();
    if (first) properties["totals"] = schema_of_object(table, /*totals=*/true);
    if (first && !table.before.empty()) {
      properties["before"] = {{"$ref", at + "/properties/period"}};
      properties["totals_before"] = {{"$ref", at + "/properties/totals"}};
      out["required"].push_back("before");
      out["required"].push_back("totals_before");
    }
    if (first && table.layout != Layout::card) out["required"].push_back("rows");
    if (table.layout != Layout::card)
      properties[first ? "rows" : std::string(table.name)] = {{"type", "array"},
                                                              {"items", schema_of_object(table, /*totals=*/false)}};
    else if (!first)
      properties[std::string(table.name)] = schema_of_object(table, /*totals=*/true);
  }
  return out;
}

}  // namespace fortium::report
