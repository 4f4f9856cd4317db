// Sessions as one thing each, made of changes: begun, changed and ended by requests of their own. Every answer carries
// the session as all changes make it. Any thread.
#pragma once

#include "service/route.h"

namespace fortium::service {

Response start_session(Parts& parts, const Call& call);
Response change_session(Parts& parts, const Call& call);
Response end_session(Parts& parts, const Call& call);

// {"id":…,"session_start":…,…}: times and sums as reports have them, and else what was told last.
std::string session_json(const metrics::Session& session, std::string_view tenant);

}  // namespace fortium::service
