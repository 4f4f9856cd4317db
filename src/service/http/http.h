// A request and its answer as values, and who answers: the whole service but its sockets. Values; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge_counts.h"
#include "service/limits.h"

namespace fortium::service {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string id;  // ours, for the log and for the person who asks about an error
  std::string method;
  std::string path;   // without the query
  std::string query;  // without the question mark
  Headers headers;
  std::string body;
  std::string peer;                       // address, without the port
  std::size_t most_body = kMaxBodyBytes;  // that was taken of it

  // The first of that name, without regard to case; empty where there is none.
  std::string_view header(std::string_view name) const;
};

// A client that stays: an event stream, or a WebSocket. Any thread.
class Pipe {
 public:
  virtual ~Pipe() = default;
  // One message. False: the client is gone, or does not read what was sent before, and then it is let go.
  virtual bool send(std::string message) = 0;
  // What came since the last call, in order: of a WebSocket.
  virtual std::vector<std::string> take() = 0;
  virtual bool is_open() const = 0;
  // The service stops: time for a last word.
  virtual bool is_ending() const = 0;
  // Once what was sent has left.
  virtual void close() = 0;
};

// What is said to a client that stays. It lives as long as the client does, or its work.
class Talk {
 public:
  virtual ~Talk() = default;
  // At the beginning, when something came, once a second, and when the service is about to stop; never twice at a time.
  // A talk costs no thread between the calls.
  virtual void work(Pipe& pipe) = 0;
};

struct Response {
  int status = 200;
  std::string body;  // JSON
  Headers headers = {};
  // What comes instead of a body: messages as server-sent events; with status 101, the client becomes a WebSocket.
  std::shared_ptr<Talk> talk = nullptr;

  std::string_view header(std::string_view name) const;
};

struct FieldError {
  std::string field;
  std::string message;
};

// The documented form of every refusal.
Response problem(const Request& request, int status, std::string_view code, std::string_view message,
                 const std::vector<FieldError>& errors = {});
// 400: what is wrong with the fields of a body or the parameters of a URL.
Response invalid(const Request& request, const std::vector<FieldError>& errors);

// Calls come from several threads at once.
class Handler {
 public:
  virtual ~Handler() = default;
  // From the head alone: what would be refused whatever the body says, so that the body need not be taken.
  virtual std::optional<Response> refuse(const Request& head) = 0;
  virtual Response answer(const Request& request) = 0;
  // Whose turn it is: requests of one name wait for each other before they wait for those of another. Does not block.
  virtual std::string lane(const Request& head) = 0;
  // Work that can wait until an answer is on its way.
  virtual void rest() = 0;
  // Where the sockets count.
  virtual EdgeCounts& counts() = 0;
};

}  // namespace fortium::service
