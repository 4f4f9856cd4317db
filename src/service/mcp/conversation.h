// One client's side of the protocol: the shared core (fortium/mcp/server.h) over the records of one organization.
//
// The organization and what may be done come from the credential. What is recorded is answered once it is durable. Not
// thread-safe; several may be about one organization at a time.
#pragma once

#include <memory>
#include <string>

#include "fortium/base/entropy.h"
#include "fortium/mcp/server.h"
#include "fortium/metrics/recorder.h"
#include "service/access/access.h"
#include "service/figures.h"
#include "service/store/records.h"

namespace fortium::service {

class Conversation {
 public:
  // `session`: of records that name none; may be empty.
  Conversation(Depot& depot, Figures& figures, const Clock& clock, const Credential& who, std::string session);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  mcp::Server& server() { return server_; }
  const Credential& who() const { return who_; }

 private:
  class Home;  // of the records
  const Credential who_;
  std::unique_ptr<Home> home_;
  SystemEntropy entropy_;
  metrics::Recorder recorder_;
  mcp::Server server_;
};

}  // namespace fortium::service
