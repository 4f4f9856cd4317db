// What the program does, one function a command. People's text and JSON go to standard output, the rest to standard
// error.
#pragma once

#include <string>

#include "fortium/base/result.h"
#include "options.h"

namespace fortium::service {

Exit run_serve(const ServeCommand& command);
Exit run_config(const ConfigCommand& command);
Exit run_tenant(const TenantCommand& command);
Exit run_key(const KeyCommand& command);
Exit run_user(const UserCommand& command);
Exit run_token(const TokenCommand& command);
Exit run_audit(const AuditCommand& command);
Exit run_import_batch(const ImportCommand& command);
Exit run_store(const StoreCommand& command);

// Says what went wrong on standard error.
Exit fail(Exit exit, const std::string& what);
// What is wrong with the settings, if anything.
Exit tell_problems(const Settings& settings);
// The same for an error of a store: a wrong name is no fault of the store.
Exit fail(const Error& error);

// The organization and the key of a first start.
constexpr auto kFirstTenant = "default";

}  // namespace fortium::service
