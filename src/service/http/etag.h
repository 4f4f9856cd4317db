// An answer that the asker may keep: it gets a tag of its bytes, and who shows that tag again gets 304 and no bytes
// (RFC 9110). Pure; any thread.
#pragma once

#include "http.h"

namespace fortium::service {

Response with_etag(const Request& request, Response response);

}  // namespace fortium::service
