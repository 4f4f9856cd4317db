// `fortium-metrics-server token`: short-lived tokens, and the keys that sign them.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "access/admin.h"
#include "access/signing.h"
#include "commands.h"
#include "fortium/base/json.h"
#include "store/backend.h"

namespace fortium::service {

namespace {

Result<Token> make(Control& control, Tokens& tokens, const TokenCommand& command, const Clock& clock,
                   Entropy& entropy) {
  if (!command.key.empty()) {
    FM_TRY(const auto holder, control.holder(command.key));
    if (!holder) return Error{Errc::not_found, "there is no such key: name it by its id, as `key list` shows it"};
    return tokens.make(holder->key);
  }
  FM_TRY(const Tenant tenant, control.tenant(command.tenant));
  People people(control.sql(), clock, entropy);
  FM_TRY(auto person, people.named(tenant.id, command.user));
  if (!person) {
    FM_TRY(person, people.find(tenant.id, command.user));
  }
  if (!person) return Error{Errc::not_found, "there is no such person: name them as `user list` shows them"};
  return tokens.make(*person, "");
}

Exit rotate(SigningKeys& keys, Admin& admin, const TokenCommand& command) {
  const auto id = keys.rotate(command.revoke ? SigningKeys::Old::ends : SigningKeys::Old::stays);
  if (!id) return fail(id.error());
  if (auto noted = admin.note(kServiceChain, "signing_key.rotate", *id, {{"revoked_old", command.revoke}}); !noted)
    return fail(noted.error());
  if (command.json)
    std::printf("%s\n", dump_json({{"kid", *id}}).c_str());
  else
    std::printf("%s signs from now on\n", id->c_str());
  return kDone;
}

}  // namespace

Exit run_token(const TokenCommand& command) {
  const SystemClock clock;
  SystemEntropy entropy;
  auto opened = open_backend(command.store, clock, entropy);
  if (!opened) return fail(opened.error());
  Control& control = *opened->control;
  Admin admin(control, clock, entropy, kCommandLine);
  SigningKeys keys(control.sql(), clock, entropy, command.tokens.passphrase);
  if (command.what == TokenCommand::Do::rotate) return rotate(keys, admin, command);

  Tokens tokens(control, clock, entropy, command.tokens);
  const auto token = make(control, tokens, command, clock, entropy);
  if (!token) return fail(token.error());
  if (command.json)
    std::printf("%s\n",
                dump_json({{"token", token->text.reveal()}, {"expires_at", to_rfc3339(token->expires)}}).c_str());
  else
    std::printf("%s\n", token->text.reveal().c_str());
  return kDone;
}

}  // namespace fortium::service
