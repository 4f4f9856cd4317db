// What the end points of administrators have in common. Everything is looked up within the caller's organization, so
// another one's id is an id that there is not.
#pragma once

#include "admin.h"
#include "auth.h"
#include "fields.h"
#include "service/route.h"

namespace fortium::service {

constexpr Scopes kGivenHere = kIngest | kRead | kAdmin;  // not super_admin

// {"success":true,"data":…}
Response done(int status, const Json& data);
// Of a change: what is wrong with it is the caller's, or the store's.
Response failed(const Request& request, const Error& error);
std::optional<Millis> duration(Fields& fields, const char* name);

// Work on what is kept, in the name of who asks: work(control, admin). Its changes are known to the next request.
template <class Work>
auto administer(Parts& parts, const Call& call, Work&& work) {
  auto result = parts.control.with([&](auto& control) {
    SystemEntropy entropy;
    Admin admin(*control, parts.clock, entropy, call.who.actor);
    return work(*control, admin);
  });
  if (call.route.method != "GET") parts.access.forget();
  return result;
}

}  // namespace fortium::service
