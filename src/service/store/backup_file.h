// A backup as a file: JSON lines, packed with gzip, so that it can be read without this program.
//
//   {"fortium_backup":1,"control":1}                                 the first line: version of the control tables
//   {"control":"keys","columns":["id",…],"rows":[[…],…]}             who there is
//   {"tenant":"<id>","name":"acme"}                                  then what belongs to it,
//   {"table":"tool_usage","rows":[[…],…]}                            some rows at a time,
//   {"sums":{"tool_usage":{"count":8,"digest":"<32 hex>"},…}}        and what they add up to
//   {"complete":true}                                                the last line
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "fortium/base/json.h"

namespace fortium::service {

class BackupWriter {
 public:
  // Beside `path`, which it becomes with done().
  static Result<std::unique_ptr<BackupWriter>> create(const std::string& path);
  ~BackupWriter();
  BackupWriter(const BackupWriter&) = delete;
  BackupWriter& operator=(const BackupWriter&) = delete;

  Result<void> line(const Json& json);
  // Synced, and then in its place.
  Result<void> done();

 private:
  BackupWriter(std::string path, void* file) : path_(std::move(path)), file_(file) {}
  std::string unfinished() const { return path_ + ".unfinished"; }

  const std::string path_;
  void* file_;  // gzFile
};

// Every line, in order. corrupt: it is no JSON, or no gzip.
Result<void> read_backup_lines(const std::string& path, const std::function<Result<void>(const Json& line)>& take);

}  // namespace fortium::service
