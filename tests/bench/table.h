// Rows for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "measure.h"

namespace bench {

// What the figures depend on besides the programs.
struct Machine {
  std::string system;       // kernel
  long processors = 0;      // of the machine
  int usable = 0;           // by this program and what it starts
  double load = 0;          // waiting and running processes, mean of the last minute, before the run
  std::string file_system;  // of the folder that the stores are in
};
Machine this_machine(const std::string& folder);

struct Result {
  std::string measure;
  Rows rows;
  std::string failure;  // what did not work; empty when all did
};

std::string as_table(const Machine& machine, const std::vector<Result>& results);
std::string as_json(const Machine& machine, const std::vector<Result>& results, bool quick);

}  // namespace bench
