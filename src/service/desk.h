// What a command of an administrator works with: the store, open, and who signs for changes.
#pragma once

#include <functional>
#include <string>

#include "access/admin.h"
#include "fortium/base/exit.h"
#include "settings.h"
#include "store/backend.h"

namespace fortium::service {

struct Desk {
  const Settings& settings;
  const Clock& clock;
  Entropy& entropy;
  Backend& backend;
  Control& control;
  Admin& admin;  // signs as the command line
};

// Opens the store that the settings name, and does the work. What cannot be opened is told on standard error.
Exit at_desk(const Settings& settings, const std::function<Exit(Desk&)>& work);

// Says what went wrong on standard error.
Exit fail(Exit exit, const std::string& what);
// The same for an error of a store: a wrong name is no fault of the store.
Exit fail(const Error& error);
// One JSON document on standard output.
void tell(const Json& json);

}  // namespace fortium::service
