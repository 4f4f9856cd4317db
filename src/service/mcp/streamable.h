// The end point of Streamable HTTP, in every revision that has it: POST a message, GET what a session is to hear,
// DELETE a session.
//
// 2025-03-26 to 2025-11-25 have sessions, which any process of the service goes on with (store/mcp_sessions.h). A
// request from 2026-07-28 on stands alone, and its header repeats what its body says. The answer is JSON; it is an
// event stream where more is to be said than the answer, or the client takes nothing else.
#pragma once

#include "service/route.h"

namespace fortium::service {

Response mcp_post(Parts& parts, const Call& call);
Response mcp_get(Parts& parts, const Call& call);
Response mcp_delete(Parts& parts, const Call& call);

// What is refused on every end point of the protocol before its body is looked at: pages of foreign origins.
std::optional<Response> refuse_origin(Parts& parts, const Request& request);
// The body of a posted message; or the refusal, 429 among them.
std::variant<Json, Response> read_message(Parts& parts, const Call& call);

}  // namespace fortium::service
