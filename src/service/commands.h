// What the program does, one function a command. People's text and JSON go to standard output, the rest to standard
// error.
#pragma once

#include <string>

#include "desk.h"
#include "options.h"

namespace fortium::service {

Exit run_serve(const Settings& settings);  // that have no problem
Exit run_config(const Settings& settings, bool json);
Exit run_tenant(const TenantCommand& command, Desk& desk);
Exit run_key(const KeyCommand& command, Desk& desk);
Exit run_user(const UserCommand& command, Desk& desk);
Exit run_token(const TokenCommand& command, Desk& desk);
Exit run_audit(const AuditCommand& command, Desk& desk);
Exit run_import_batch(const ImportCommand& command, Desk& desk);
Exit run_store(const StoreCommand& command, Desk& desk);

// What is wrong with the settings, if anything.
Exit tell_problems(const Settings& settings);
// Of an organization, by name or id.
Result<Person> person_of(Desk& desk, const Tenant& tenant, const std::string& name);

// The organization and the key of a first start.
constexpr auto kFirstTenant = "default";

}  // namespace fortium::service
