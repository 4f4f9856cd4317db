// What the end points of administrators have in common. Everything is looked up within the caller's organization, so
// another one's id is an id that there is not.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "admin.h"
#include "auth.h"
#include "fields.h"
#include "service/route.h"

namespace fortium::service {

constexpr Scopes kGivenHere = kIngest | kRead | kAdmin;  // not super_admin

// {"success":true,"data":…}
Response done(int status, const Json& data);
// {"success":true,"data":[…],"next_cursor":…}: one page of a list, in the order of a text that each row has of its own
// and that stays, as new rows come last.
inline constexpr schema::Field kPageQuery[] = {
    {.name = "limit",
     .type = schema::Integer{.min = 1, .max = 1'000},
     .doc = "Rows at most; 100, if absent.",
     .need = schema::Need::optional},
    {.name = "cursor",
     .type = schema::Text{},
     .doc = "The next_cursor of the answer before.",
     .need = schema::Need::optional},
};
Response page_of(const Call& call, WallTime now, std::vector<std::pair<std::string, Json>> rows);
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
