// `fortium-metrics record`: by hand, or JSON lines from a script or an export.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "fortium/schema/check.h"
#include "local.h"

namespace fortium::app {

namespace {

constexpr std::size_t kGroup = 500;  // records a commit, when they come as lines

// "name=value": numbers, true, false and JSON objects and arrays are read as JSON where the field is no text.
Result<Json> fields_of(const metrics::Kind& kind, const std::vector<std::string>& given) {
  Json fields = Json::object();
  for (const std::string& one : given) {
    const auto equals = one.find('=');
    if (equals == 0 || equals == one.npos) return Error{Errc::invalid, "expected name=value, got \"" + one + "\""};
    const std::string name = one.substr(0, equals), text = one.substr(equals + 1);
    if (fields.contains(name)) return Error{Errc::invalid, name + " is given twice"};
    bool plain = false;
    for (const schema::Field& field : kind.shape)
      if (field.name == name)
        plain = std::holds_alternative<schema::Text>(field.type) || std::holds_alternative<schema::OneOf>(field.type) ||
                std::holds_alternative<schema::Timestamp>(field.type);
    auto parsed = plain ? Result<Json>(Json(text)) : parse_json(text);
    fields[name] = parsed ? std::move(*parsed) : Json(text);
  }
  return fields;
}

class Recording {
 public:
  Recording(const Settings& settings, bool json)
      : local_(settings),
        recorder_(local_.store(), local_.clock(), local_.entropy(), make_stamp("cli", settings, process_environment()),
                  settings.disabled),
        json_(json) {}

  bool stage(const metrics::Kind& kind, const Json& fields, schema::Edge edge, const std::string& where) {
    auto staged = recorder_.stage(kind, fields, edge);
    if (const auto* violations = std::get_if<metrics::Violations>(&staged)) {
      refuse(where + schema::to_text(*violations));
      return false;
    }
    waiting_.push_back({std::get<std::string>(staged), std::string(kind.name), where});
    return waiting_.size() < kGroup || commit();
  }

  // A wrong line is told and left out; the others count.
  void refuse(const std::string& why) {
    std::cerr << why << "\n";
    ++refused_;
  }

  // Nothing is printed before it is on disk.
  bool commit() {
    auto stored = recorder_.commit();
    if (!stored) {
      std::cerr << "fortium-metrics: not recorded: " << stored.error().what << "\n";
      failed_ = true;
      return false;
    }
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      const Written& one = waiting_[i];
      if (i < stored->size() && (*stored)[i] == metrics::Stored::conflict) {
        std::cerr << one.where << "/id: is taken by a record with other content\n";
        ++refused_;
        continue;
      }
      if (json_)
        std::cout << Json{{"id", one.id}, {"kind", one.kind}}.dump() << "\n";
      else
        std::cout << "recorded " << one.kind << " " << one.id << "\n";
    }
    waiting_.clear();
    std::cout.flush();
    local_.store().tidy(/*busy=*/true);
    return true;
  }

  void finish() { local_.store().tidy_log(); }

  int exit_code() const { return failed_ ? kStore : refused_ > 0 ? kFailed : kDone; }

 private:
  struct Written {
    std::string id, kind, where;
  };
  Local local_;
  metrics::Recorder recorder_;
  const bool json_;
  std::vector<Written> waiting_;
  std::int64_t refused_ = 0;
  bool failed_ = false;
};

std::string kinds_list() {
  std::string list;
  for (const metrics::Kind& kind : metrics::kinds()) list += (list.empty() ? "" : ", ") + std::string(kind.name);
  return list;
}

const metrics::Kind* kind_named(std::string name) {
  for (char& c : name)
    if (c == '-') c = '_';
  return metrics::find_kind(name);
}

int record_lines(Recording& recording, std::istream& input, const metrics::Kind* kind) {
  std::string line;
  for (std::int64_t number = 1; std::getline(input, line); ++number) {
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const std::string where = "line " + std::to_string(number) + ": ";
    auto record = parse_json(line);
    if (!record || !record->is_object()) {
      recording.refuse(where + (record ? "must be an object" : record.error().what));
      continue;
    }
    const metrics::Kind* its = kind;
    if (const auto name = record->find("kind"); name != record->end() && name->is_string())
      its = metrics::find_kind(name->get_ref<const std::string&>());
    if (its == nullptr) {
      recording.refuse(where + "/kind: must be one of " + kinds_list());
      continue;
    }
    recording.stage(*its, *record, schema::Edge::record, where);
  }
  recording.commit();
  recording.finish();
  return recording.exit_code();
}

}  // namespace

int run_record(const Settings& settings, const RecordCommand& command) {
  tell_problems(settings);  // recording goes on with the defaults
  const metrics::Kind* kind = command.kind.empty() ? nullptr : kind_named(command.kind);
  if (!command.kind.empty() && kind == nullptr)
    return fail(kUsage, "no kind is called \"" + command.kind + "\"; there are " + kinds_list());
  Recording recording(settings, command.json);
  if (!command.input.empty()) {
    if (!command.fields.empty()) return fail(kUsage, "give either fields or --input, not both");
    if (command.input == "-") return record_lines(recording, std::cin, kind);
    std::ifstream file(command.input);
    if (!file) return fail(kFailed, "cannot read " + command.input);
    return record_lines(recording, file, kind);
  }
  if (kind == nullptr) return fail(kUsage, "name a kind: " + kinds_list());
  auto fields = fields_of(*kind, command.fields);
  if (!fields) return fail(kUsage, fields.error().what);
  if (!recording.stage(*kind, *fields, schema::Edge::call, "")) return kFailed;
  recording.commit();
  recording.finish();
  return recording.exit_code();
}

}  // namespace fortium::app
