#include "batch.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fortium/base/secret.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

using metrics::Event;
using metrics::Kind;

constexpr std::string_view kSource = "sdk";  // of a record that does not say how it came

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::size_t count_chars(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(utf8, [](char c) { return (c & 0xC0) != 0x80; }));
}

class Reader {
 public:
  explicit Reader(WallTime now) : now_(now) {}

  void read(const Json& json) {
    if (!json.is_object()) return fail("", "the body must be an object");
    bool any = false;
    for (const auto& [name, value] : json.get_ref<const Json::object_t&>()) {
      if (const Kind* kind = metrics::find_kind(name); kind != nullptr && kind->batch_key == name)
        any = true;
      else if (!envelope(name, value))
        fail(name, "is not a field of a batch");
    }
    if (!any) fail("", "the batch needs at least one list of records, such as command_executions");
    for (const Kind& kind : metrics::kinds()) records(kind, json);
  }

  Batch batch;

 private:
  void fail(std::string_view field, std::string why) {
    batch.errors.push_back({redact(field, Secret(), kMaxRefusalBytes), std::move(why)});
  }

  std::string text(const std::string& name, const Json& value, std::size_t most) {
    const std::string rule =
        "must be a string of 1 to " + std::to_string(most) + " characters without control characters";
    if (!value.is_string()) return fail(name, rule), std::string();
    const auto& text = value.get_ref<const std::string&>();
    if (text.empty() || count_chars(text) > most || has_control(text)) return fail(name, rule), std::string();
    return text;
  }

  std::optional<WallTime> time(const std::string& name, const Json& value) {
    const auto time = parse_rfc3339(value.is_string() ? value.get_ref<const std::string&>() : std::string());
    if (!time) return fail(name, time.error().what), std::nullopt;
    return *time;
  }

  bool envelope(const std::string& name, const Json& value) {
    if (name == "batch_id") {
      if (!value.is_null()) batch.id = text(name, value, kMaxBatchIdChars);
    } else if (name == "device_id") {
      if (!value.is_null()) batch.device_id = text(name, value, kMaxDeviceIdChars);
    } else if (name == "sent_at") {
      if (!value.is_null()) (void)time(name, value);  // for people who look at traffic; clocks are not trusted
    } else if (name == "timestamp") {
      if (!value.is_null()) batch.timestamp = time(name, value);
      // The same bounds as for the time of a record, which it stands in for.
      const bool early = batch.timestamp && *batch.timestamp < std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);
      if (early || (batch.timestamp && *batch.timestamp > now_ + std::chrono::hours(24)))
        fail(name, "must be from 2000-01-01 to one day ahead");
    } else {
      return false;
    }
    return true;
  }

  void records(const Kind& kind, const Json& json) {
    const auto list = json.find(kind.batch_key);
    if (list == json.end() || list->is_null()) return;
    if (!list->is_array()) return fail(kind.batch_key, "must be a list of records");
    for (const Json& record : *list) batch.records.push_back({&kind, &record});
  }

  WallTime now_;
};

std::vector<FieldError> in_fields(const std::vector<schema::Violation>& violations, const std::string& place) {
  std::vector<FieldError> fields;
  for (const schema::Violation& violation : violations) {
    if (fields.size() == kMaxErrors) break;
    const std::string field = place + (violation.where.empty() ? "" : violation.where.substr(1));
    fields.push_back({redact(field, Secret(), kMaxRefusalBytes), violation.why});
  }
  return fields;
}

// "execution_time_ms: must be …; status: is required"
std::string in_words(const std::vector<FieldError>& errors) {
  std::string words;
  for (const FieldError& error : errors) {
    if (words.size() > kMaxRefusalBytes) break;
    if (!words.empty()) words += "; ";
    if (!error.field.empty()) words += error.field + ": ";
    words += error.message;
  }
  return redact(words, Secret(), kMaxRefusalBytes);
}

// All that is wrong is that some free-form detail has too many bytes.
bool only_too_large(const Json& record, const std::vector<schema::Violation>& violations) {
  return std::ranges::all_of(violations, [&record](const schema::Violation& violation) {
    const auto member =
        violation.where.empty() || !record.is_object() ? record.end() : record.find(violation.where.substr(1));
    return member != record.end() && member->is_object() &&
           dump_json(*member).size() > static_cast<std::size_t>(metrics::kMaxDetailBytes);
  });
}

// The sender's own id, if it can be repeated to it.
std::string own_id(const Json& record) {
  if (!record.is_object()) return {};
  const auto id = record.find("id");
  if (id == record.end() || !id->is_string()) return {};
  const auto& text = id->get_ref<const std::string&>();
  constexpr std::size_t kMostBytes = 4 * 128;  // of an id of 128 characters
  return text.size() <= kMostBytes ? text : std::string();
}

// UUIDs are one thing in either case; other text becomes a UUID of the organization.
std::string kept_id(std::string_view own, std::string_view tenant) {
  if (!is_uuid(own)) return uuid5(tenant, own);
  std::string id(own);
  for (char& c : id)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  return id;
}

// A request that is sent again makes the same ids, so that also records without one count once. The control character
// keeps them apart from ids of senders, which hold none.
std::string made_id(const Naming& naming, std::size_t index) {
  if (naming.request.empty()) return uuid7(naming.now, *naming.entropy);
  return uuid5(naming.tenant, std::string(naming.request) + "\x1F" + std::to_string(index));
}

void fill_in(schema::Value& value, std::string_view text) {
  if (value.index() == 0 && !text.empty()) value = std::string(text);
}

}  // namespace

Batch read_batch(const Json& json, WallTime now) {
  Reader reader(now);
  reader.read(json);
  return std::move(reader.batch);
}

Batch one_record(const Kind& kind, const Json& json) {
  Batch batch;
  batch.records = {{&kind, &json}};
  batch.whole = true;
  return batch;
}

Checked check_records(const Batch& batch, const Naming& naming) {
  Checked out;
  out.lines.reserve(batch.records.size());
  out.events.reserve(batch.records.size());
  out.line_of.reserve(batch.records.size());
  out.stamped.reserve(batch.records.size());
  for (const BatchRecord& record : batch.records) {
    Line line{.kind = record.kind, .id = own_id(*record.json)};
    if (metrics::is_newer(*record.kind, *record.json)) {
      line.status = Status::newer;
      line.message = "this service knows " + std::string(record.kind->name) + " up to version " +
                     std::to_string(record.kind->version);
      out.lines.push_back(std::move(line));
      continue;
    }
    schema::Checked checked = metrics::check_event(*record.kind, *record.json, naming.now);
    if (!checked.ok()) {
      line.status = only_too_large(*record.json, checked.violations) ? Status::too_large : Status::invalid;
      line.errors = in_fields(checked.violations, record.place);
      line.message = in_words(line.errors);
      out.lines.push_back(std::move(line));
      continue;
    }
    Event event{record.kind, std::move(checked.row)};
    if (event.has(metrics::kId)) {
      event.row[metrics::kId] = kept_id(line.id, naming.tenant);
    } else {
      line.id = made_id(naming, out.lines.size());
      event.row[metrics::kId] = line.id;
    }
    out.stamped.push_back(!event.has(metrics::kTimestamp));
    if (out.stamped.back()) event.row[metrics::kTimestamp] = to_ms(batch.timestamp.value_or(naming.now));
    if (!event.has(metrics::kRecordedAt)) event.row[metrics::kRecordedAt] = to_ms(naming.now);
    fill_in(event.row[metrics::kDeviceId], batch.device_id);
    fill_in(event.row[metrics::kSource], kSource);
    out.line_of.push_back(out.lines.size());
    out.lines.push_back(std::move(line));
    out.events.push_back(std::move(event));
  }
  return out;
}

}  // namespace fortium::service
