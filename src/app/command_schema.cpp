// `fortium-metrics schema export`: the table of kinds, printed.
#include <iostream>
#include <nlohmann/json.hpp>

#include "../store/migrations.h"
#include "commands.h"
#include "fortium/base/files.h"
#include "fortium/mcp/catalog.h"
#include "fortium/metrics/empty_reader.h"
#include "fortium/metrics/kind.h"
#include "fortium/report/questions.h"
#include "fortium/report/render.h"
#include "fortium/schema/render.h"
#include "local_tools.h"
#include "report_rows.h"

namespace fortium::app {

namespace {

constexpr const char* kDialect = "https://json-schema.org/draft/2020-12/schema";

std::string kind_schema(const metrics::Kind& kind) {
  Json schema = schema::json_schema(kind.shape, schema::Edge::record);
  schema["$schema"] = kDialect;
  schema["title"] = kind.name;
  schema["description"] = kind.doc;
  schema["properties"]["v"] = {{"type", "integer"}, {"minimum", 1}, {"maximum", kind.version}};
  schema["properties"]["kind"] = {{"const", kind.name}};
  return dump_json_pretty(schema) + "\n";
}

std::string tools_json() {
  const Settings settings = load_settings({}, [](const char*) { return std::nullopt; });
  mcp::Catalog catalog = mcp::standard_catalog();
  add_report_rows(catalog);
  add_local_rows(catalog, settings);
  Json tools = Json::array();
  for (const mcp::Tool& tool : catalog.tools)
    tools.push_back({{"name", tool.name},
                     {"description", tool.doc},
                     {"inputSchema", schema::json_schema(tool.input, schema::Edge::call)},
                     {"outputSchema", schema::json_schema(tool.output, schema::Edge::call, /*open=*/true)}});
  return dump_json_pretty({{"tools", std::move(tools)}}) + "\n";
}

// Answers about nothing have every column there is.
std::string reports_json() {
  metrics::EmptyReader nothing;
  Json definitions, any = Json::array();
  for (const report::Question& question : report::questions())
    for (std::size_t by = 0; by < (question.by ? std::size(report::kBys) : 1); ++by) {
      const report::Asked asked{.period = {from_ms(0), from_ms(1)}, .by = static_cast<report::By>(by), .explain = true};
      const std::string name =
          std::string(question.name) + (question.by ? "_by_" + std::string(report::kBys[by]) : std::string());
      const std::string at = "#/$defs/" + name;
      if (const auto answer = question.answer(nothing, asked)) definitions[name] = report::json_schema_of(*answer, at);
      definitions[name]["description"] = question.doc;
      any.push_back({{"$ref", at}});
    }
  return dump_json_pretty({{"$schema", kDialect},
                           {"title", "reports"},
                           {"description", "What `fortium-metrics report QUESTION --json` writes."},
                           {"anyOf", std::move(any)},
                           {"$defs", std::move(definitions)}}) +
         "\n";
}

std::string reference() {
  std::string out =
      "# Kinds of record\n\nPrinted from the table in `src/metrics/kinds.cpp` by `fortium-metrics schema export "
      "schemas`. `<kind>.v<version>.json` are JSON Schemas of complete records; `tools.json` holds the MCP tools, "
      "`sqlite.sql` the store, `reports.json` what `report --json` writes.\n";
  for (const metrics::Kind& kind : metrics::kinds()) {
    out += "\n## " + std::string(kind.name) + "\n\n" + std::string(kind.doc) + "\n\nBatch key `" +
           std::string(kind.batch_key) + "`, path `/api/v1/metrics/" + std::string(kind.path) + "`";
    if (!kind.tool.empty()) out += ", MCP tool `" + std::string(kind.tool) + "`";
    out += ".\n\n| field | required | also accepted | meaning |\n|---|---|---|---|\n";
    for (const schema::Field& field : kind.shape) {
      std::string aliases;
      for (const schema::Alias& alias : field.aliases)
        aliases += (aliases.empty() ? "`" : ", `") + std::string(alias.name) + "`";
      out += "| `" + std::string(field.name) + "` | " +
             (field.need == schema::Need::required   ? "yes"
              : field.need == schema::Need::measured ? "from a caller"
                                                     : "") +
             " | " + aliases + " | " + std::string(field.doc) + " |\n";
    }
  }
  return out;
}

}  // namespace

int run_schema_export(const std::string& dir) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const metrics::Kind& kind : metrics::kinds())
    files.emplace_back(std::string(kind.name) + ".v" + std::to_string(kind.version) + ".json", kind_schema(kind));
  files.emplace_back("tools.json", tools_json());
  files.emplace_back("reports.json", reports_json());
  files.emplace_back("sqlite.sql", "-- The local store, version " + std::to_string(store::kSchemaVersion) + ".\n" +
                                       store::schema_sql());
  files.emplace_back("README.md", reference());
  if (auto made = make_private_dir(dir); !made) return fail(kFailed, made.error().what);
  for (const auto& [name, text] : files)
    if (auto written = write_file(dir + "/" + name, text); !written) return fail(kFailed, written.error().what);
  std::cout << "wrote " << files.size() << " files to " << dir << "\n";
  return kDone;
}

}  // namespace fortium::app
