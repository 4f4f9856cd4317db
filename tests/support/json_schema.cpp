#include "json_schema.h"

#define VALIJSON_USE_EXCEPTIONS 1
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace fortium::test {

struct JsonSchema::Compiled {
  valijson::Schema schema;
};

JsonSchema::JsonSchema(const Json& schema) : compiled_(std::make_unique<Compiled>()) {
  const valijson::adapters::NlohmannJsonAdapter adapter(schema);
  valijson::SchemaParser().populateSchema(adapter, compiled_->schema);
}

JsonSchema::~JsonSchema() = default;

std::string JsonSchema::complaint(const Json& value) const {
  valijson::Validator validator;
  valijson::ValidationResults results;
  const valijson::adapters::NlohmannJsonAdapter adapter(value);
  try {
    if (validator.validate(compiled_->schema, adapter, &results)) return "";
  } catch (const std::runtime_error& wrong) {
    return wrong.what();  // a "format" of something that is no string
  }
  std::string text;
  for (valijson::ValidationResults::Error error; results.popError(error);) {
    for (const std::string& step : error.context) text += step;
    text += ": " + error.description + "; ";
  }
  return text.empty() ? "invalid" : text;
}

}  // namespace fortium::test
