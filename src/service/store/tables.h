// The tables of an organization's place, as data: what a copy or a backup holds of it, on both engines alike.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fortium/schema/check.h"

namespace fortium::service {

struct Column {
  enum class Type { integer, real, text, bytes };
  std::string name;
  Type type;
};

struct Table {
  std::string name;
  std::vector<Column> columns;
};

// The records by kind, and what is kept about them: ledger, slice, thinned, gone.
std::span<const Table> place_tables();

// "id, timestamp, …"
std::string columns_of(const Table& table);

}  // namespace fortium::service
