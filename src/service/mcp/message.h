// A posted body as the transport sees it, before the protocol does: what kind of message, and whether the header of the
// request says the same. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/json.h"
#include "service/http/http.h"

namespace fortium::service {

struct Posted {
  std::size_t messages = 1;
  bool batch = false;
  bool asks = false;        // one of them, at least, wants an answer
  std::string id;           // of a single request, as JSON; "null" where there is none
  std::string method;       // of a single message; empty: an answer, or no message
  std::string name;         // params.name or params.uri, whichever the method has
  bool progress = false;    // it wants to hear of progress
  bool alone = false;       // it names its revision, as those from 2026-07-28 on do
  std::string revision;     // which one; empty: it does not say so well
  bool whole_meta = false;  // and says of its client what it must
};

Posted look_at(const Json& body);

// Of a single message that stands alone: the refusal where the header and the body do not say the same.
std::optional<Response> refuse_mismatch(const Request& request, const Posted& posted);

// An answer that is an error of the protocol; no id where it is "null".
Response rpc_error(int status, std::string_view id, int code, std::string_view message);
// The code of a line that is an error; nullopt for a result.
std::optional<int> error_code(std::string_view line);

// Whether a client takes an answer of this type ("application/json"), by its Accept header.
bool accepts(const Request& request, std::string_view type);

}  // namespace fortium::service
