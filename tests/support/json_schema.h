// JSON Schema as another library reads it (Valijson): a second opinion on what src/schema renders and checks. Compiled
// once, as it costs seconds.
#pragma once

#include <memory>
#include <string>

#include "fortium/base/json.h"

namespace fortium::test {

class JsonSchema {
 public:
  explicit JsonSchema(const Json& schema);
  ~JsonSchema();
  JsonSchema(const JsonSchema&) = delete;
  JsonSchema& operator=(const JsonSchema&) = delete;

  // What is wrong with the value; empty if nothing is.
  std::string complaint(const Json& value) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace fortium::test
