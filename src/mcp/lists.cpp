#include "lists.h"

#include <nlohmann/json.hpp>

#include "address.h"
#include "fortium/schema/render.h"

namespace fortium::mcp {

namespace {

constexpr std::string_view kCursor = "page-";  // and its number; the first has no cursor

std::string_view name(List list) {
  switch (list) {
    case List::tools: return "tools";
    case List::resources: return "resources";
    case List::templates: return "resourceTemplates";
    case List::prompts: return "prompts";
  }
  return "";
}

Json row(const Tool& tool, Revision revision) {
  Json out{{"name", tool.name},
           {"description", tool.doc},
           {"inputSchema", schema::json_schema(tool.input, schema::Edge::call)}};
  if (has_annotations(revision))
    out["annotations"] = {{"title", tool.title},
                          {"readOnlyHint", tool.read_only},
                          {"destructiveHint", false},
                          {"idempotentHint", tool.read_only},
                          {"openWorldHint", false}};
  if (has_structured_content(revision)) {
    out["title"] = tool.title;
    out["outputSchema"] = schema::json_schema(tool.output, schema::Edge::call, /*open=*/true);
  }
  return out;
}

Json row(const Resource& resource, Revision revision) {
  Json out{{"name", resource.name}, {"description", resource.doc}, {"mimeType", "application/json"}};
  if (has_structured_content(revision)) out["title"] = resource.title;
  return out;
}

Json row(const Prompt& prompt, Revision revision) {
  Json arguments = Json::array();
  for (const schema::Field& field : prompt.arguments)
    arguments.push_back(
        {{"name", field.name}, {"description", field.doc}, {"required", field.need == schema::Need::required}});
  Json out{{"name", prompt.name}, {"description", prompt.doc}, {"arguments", std::move(arguments)}};
  if (has_structured_content(revision)) out["title"] = prompt.title;
  return out;
}

std::string cursor_of(std::size_t page) { return std::string(kCursor) + std::to_string(page + 1); }

}  // namespace

std::vector<std::string> Lists::rows(List list, Revision revision) const {
  std::vector<std::string> out;
  switch (list) {
    case List::tools:
      for (const Tool& tool : catalog_.tools)
        if (!tool.hidden) out.push_back(dump_json(row(tool, revision)));
      break;
    case List::resources:
      for (const Resource& resource : catalog_.resources) {
        if (is_template(resource)) continue;
        Json one = row(resource, revision);
        one["uri"] = fill_in(resource, organization_);
        out.push_back(dump_json(one));
      }
      break;
    case List::templates:
      for (const Resource& resource : catalog_.resources) {
        if (variable_of(resource).empty()) continue;
        Json one = row(resource, revision);
        one["uriTemplate"] = resource.uri;
        out.push_back(dump_json(one));
      }
      break;
    case List::prompts:
      for (const Prompt& prompt : catalog_.prompts) out.push_back(dump_json(row(prompt, revision)));
      break;
  }
  return out;
}

const std::string* Lists::page(List list, Revision revision, std::string_view cursor) {
  std::vector<std::string>& pages = pages_[static_cast<std::size_t>(list)][static_cast<std::size_t>(revision)];
  if (pages.empty()) {
    const std::vector<std::string> all = rows(list, revision);
    const std::size_t count = std::max<std::size_t>(1, (all.size() + kPageRows - 1) / kPageRows);
    for (std::size_t page = 0; page < count; ++page) {
      std::string text = "\"" + std::string(name(list)) + "\":[";
      for (std::size_t i = page * kPageRows; i < std::min(all.size(), (page + 1) * kPageRows); ++i)
        text += (i > page * kPageRows ? "," : "") + all[i];
      text += "]";
      if (page + 1 < count) text += R"(,"nextCursor":")" + cursor_of(page + 1) + "\"";
      pages.push_back(std::move(text));
    }
  }
  if (cursor.empty()) return &pages.front();
  for (std::size_t page = 1; page < pages.size(); ++page)
    if (cursor_of(page) == cursor) return &pages[page];
  return nullptr;
}

}  // namespace fortium::mcp
