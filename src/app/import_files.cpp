#include "import_files.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace fortium::app {

namespace {

std::string kinds_list() {
  std::string list;
  for (const metrics::Kind& kind : metrics::kinds()) list += (list.empty() ? "" : ", ") + std::string(kind.name);
  return list;
}

// One row; nullopt at the end. A quoted cell may go over several lines, which are counted.
std::optional<std::vector<std::string>> read_row(std::istream& input, std::int64_t& lines) {
  std::vector<std::string> cells(1);
  bool quoted = false, any = false;
  for (int c = input.get(); c != std::istream::traits_type::eof(); c = input.get()) {
    any = true;
    if (c == '\n') ++lines;
    if (quoted && c == '"' && input.peek() == '"')
      cells.back() += static_cast<char>(input.get());
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && c == ',')
      cells.emplace_back();
    else if (!quoted && c == '\n')
      return cells;
    else if (quoted || c != '\r')
      cells.back() += static_cast<char>(c);
  }
  return any ? std::optional(cells) : std::nullopt;
}

// Text is text; everything else was written as JSON.
Json cell_of(const schema::Field& field, const std::string& text) {
  if (std::holds_alternative<schema::Text>(field.type) || std::holds_alternative<schema::OneOf>(field.type) ||
      std::holds_alternative<schema::Timestamp>(field.type))
    return text;
  auto value = parse_json(text);
  return value ? std::move(*value) : Json(text);
}

}  // namespace

Result<void> read_record_lines(std::istream& input, const FileVisitor& visitor) {
  std::string line;
  for (std::int64_t number = 1; std::getline(input, line); ++number) {
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    auto record = parse_json(line);
    if (!record || !record->is_object()) {
      visitor.skip(number, record ? "must be an object" : "not JSON: " + record.error().what);
      continue;
    }
    const auto name = record->find("kind");
    const metrics::Kind* kind =
        name != record->end() && name->is_string() ? metrics::find_kind(name->get_ref<const std::string&>()) : nullptr;
    if (kind == nullptr)
      visitor.skip(number, "/kind: must be one of " + kinds_list());
    else
      FM_TRY_(visitor.take(*kind, *record, number));
  }
  return {};
}

Result<void> read_table(std::istream& input, const FileVisitor& visitor) {
  std::int64_t lines = 0;
  const auto header = read_row(input, lines);
  if (!header) return {};
  for (;;) {
    const std::int64_t number = lines + 1;
    const auto row = read_row(input, lines);
    if (!row) return {};
    if (row->size() == 1 && row->front().empty()) continue;
    if (row->size() != header->size()) {
      visitor.skip(number,
                   "has " + std::to_string(row->size()) + " cells, the header has " + std::to_string(header->size()));
      continue;
    }
    const metrics::Kind* kind = nullptr;
    for (std::size_t i = 0; i < row->size(); ++i)
      if ((*header)[i] == "kind") kind = metrics::find_kind((*row)[i]);
    if (kind == nullptr) {
      visitor.skip(number, "/kind: must be one of " + kinds_list());
      continue;
    }
    Json record = Json::object();
    for (std::size_t i = 0; i < row->size(); ++i) {
      if ((*row)[i].empty() || (*header)[i] == "kind") continue;
      record[(*header)[i]] = (*row)[i];
      for (const schema::Field& field : kind->shape)
        if (field.name == (*header)[i]) record[(*header)[i]] = cell_of(field, (*row)[i]);
    }
    FM_TRY_(visitor.take(*kind, record, number));
  }
}

}  // namespace fortium::app
