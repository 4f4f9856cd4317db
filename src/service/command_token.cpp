// `fortium-metrics-server token`: short-lived tokens, and the keys that sign them.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "access/signing.h"
#include "commands.h"

namespace fortium::service {

namespace {

Result<Token> make(Tokens& tokens, const TokenCommand& command, Desk& desk) {
  if (!command.key.empty()) {
    FM_TRY(const auto holder, desk.control.holder(command.key));
    if (!holder) return Error{Errc::not_found, "there is no such key: name it by its id, as `key list` shows it"};
    return tokens.make(holder->key);
  }
  FM_TRY(const Tenant tenant, desk.control.tenant(command.tenant));
  FM_TRY(const Person person, person_of(desk, tenant, command.user));
  return tokens.make(person, "");
}

Exit rotate(SigningKeys& keys, Admin& admin, const TokenCommand& command) {
  const auto id = keys.rotate(command.revoke ? SigningKeys::Old::ends : SigningKeys::Old::stays);
  if (!id) return fail(id.error());
  if (auto noted = admin.note(kServiceChain, "signing_key.rotate", *id, {{"revoked_old", command.revoke}}); !noted)
    return fail(noted.error());
  if (command.json)
    tell({{"kid", *id}});
  else
    std::printf("%s signs from now on\n", id->c_str());
  return kDone;
}

}  // namespace

Exit run_token(const TokenCommand& command, Desk& desk) {
  const TokenOptions options = tokens_of(desk.settings);
  SigningKeys keys(desk.control.sql(), desk.clock, desk.entropy, options.passphrase);
  if (command.what == TokenCommand::Do::rotate) return rotate(keys, desk.admin, command);

  Tokens tokens(desk.control, desk.clock, desk.entropy, options);
  const auto token = make(tokens, command, desk);
  if (!token) return fail(token.error());
  if (command.json)
    tell({{"token", token->text.reveal()}, {"expires_at", to_rfc3339(token->expires)}});
  else
    std::printf("%s\n", token->text.reveal().c_str());
  return kDone;
}

}  // namespace fortium::service
