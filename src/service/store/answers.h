// What was answered to an Idempotency-Key, for a day: so that the same request again gets the same answer.
//
// Kept is one letter a record, not the answer: with the same body at hand everything else is worked out again, as if it
// was the moment of the first answer. So a batch of 1000 costs one kilobyte and no measurable time. It is a
// convenience: its commits do not wait for the disk, and what a power loss takes is answered as duplicates. Any thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fortium/base/clock.h"
#include "fortium/base/guarded.h"
#include "sql.h"

namespace fortium::service {

struct Answered {
  std::string body_hash;
  WallTime at{};
  std::string statuses;  // a letter a record, in the order of the receipts
};

class Answers {
 public:
  // The SQL that brings the tables from version i to i + 1.
  static std::span<const std::string_view> steps();
  explicit Answers(std::unique_ptr<Sql> sql) : sql_(std::move(sql)) {}

  Result<std::optional<Answered>> find(std::string_view tenant, std::string_view key, WallTime now);
  // The first answer to a key stays; lapsed ones go.
  Result<void> keep(std::string_view tenant, std::string_view key, const Answered& answered);
  void rest();

 private:
  Guarded<std::unique_ptr<Sql>> sql_;
};

}  // namespace fortium::service
