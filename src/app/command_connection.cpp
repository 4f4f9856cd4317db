// `fortium-metrics test-connection`: each step of the way to the service, and what to do about the first that fails.
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <poll.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "fortium/base/log.h"
#include "local.h"
#include "terminal.h"

namespace fortium::app {

namespace {

struct StepResult {
  std::string name;
  bool ok = false;
  double ms = 0;
  std::string detail;
  std::string hint;  // what to do; for a step that failed
  int exit = kFailed;
};

class Connection {
 public:
  Connection(const Settings& settings, Local& local) : settings_(settings), local_(local) {}

  // Runs until a step fails.
  void run() {
    (void)(step("settings", [this](StepResult& r) { return read_settings(r); }) &&
           step("dns", [this](StepResult& r) { return resolve(r); }) &&
           step("tcp", [this](StepResult& r) { return connect(r); }) &&
           step(origin_.tls ? "tls" : "http", [this](StepResult& r) { return health(r); }) &&
           step("credentials", [this](StepResult& r) { return credentials(r); }) &&
           step("organization", [this](StepResult& r) { return organization(r); }) &&
           step("clock", [this](StepResult& r) { return clock(r); }) &&
           step("limits", [this](StepResult& r) { return limits(r); }) &&
           step("round trip", [this](StepResult& r) { return round_trip(r); }));
  }

  const std::vector<StepResult>& steps() const { return steps_; }

 private:
  template <class F>
  bool step(const char* name, F&& work) {
    StepResult result;
    result.name = name;
    const auto start = std::chrono::steady_clock::now();
    result.ok = work(result);
    result.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    steps_.push_back(result);
    return result.ok;
  }

  bool read_settings(StepResult& result) {
    result.exit = kConfiguration;
    if (auto can = can_send(settings_); !can) {
      result.detail = can.error().what;
      result.hint = "fortium-metrics config show tells each setting and where it came from";
      return false;
    }
    auto origin = net::parse_url(settings_.text("url"));
    if (!origin) return result.detail = origin.error().what, false;
    origin_ = *origin;
    first_ = origin_;
    // Behind a proxy the way begins at the proxy, which alone need know the service's name.
    if (const std::string proxy = client_options(settings_, origin_).proxy; !proxy.empty()) {
      auto parsed = net::parse_url(proxy);
      if (!parsed) return result.detail = "proxy: " + parsed.error().what, false;
      first_ = *parsed;
    }
    result.detail = settings_.text("url") + ", key " + settings_.api_key.masked();
    return true;
  }

  bool resolve(StepResult& result) {
    result.exit = kUnreachable;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code = ::getaddrinfo(first_.host.c_str(), std::to_string(first_.port).c_str(), &hints, &found);
    if (code != 0) {
      result.detail = first_.host + ": " + ::gai_strerror(code);
      result.hint = "check the host name in url, and this machine's network";
      return false;
    }
    int count = 0;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
      addresses_.emplace_back(reinterpret_cast<const char*>(one->ai_addr), one->ai_addrlen);
      ++count;
    }
    ::freeaddrinfo(found);
    result.detail = (first_ == origin_ ? "" : "proxy ") + first_.host + ": " + std::to_string(count) +
                    (count == 1 ? " address" : " addresses");
    return true;
  }

  bool connect(StepResult& result) {
    result.exit = kUnreachable;
    result.detail = "no address answers";
    for (const std::string& address : addresses_) {
      sockaddr_storage where{};
      std::memcpy(&where, address.data(), address.size());
      const int fd = ::socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (fd < 0) continue;
      int error = 0;
      if (::connect(fd, reinterpret_cast<sockaddr*>(&where), static_cast<socklen_t>(address.size())) != 0)
        error = errno;
      if (error == EINPROGRESS) {
        pollfd wait{fd, POLLOUT, 0};
        socklen_t size = sizeof error;
        if (::poll(&wait, 1, static_cast<int>(settings_.number("timeout"))) <= 0)
          error = ETIMEDOUT;
        else
          ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
      }
      ::close(fd);
      if (error == 0) {
        result.detail = "port " + std::to_string(first_.port) + " is open";
        return true;
      }
      result.detail = "port " + std::to_string(first_.port) + ": " + std::strerror(error);
    }
    result.hint = "is the service running there, and does a firewall or proxy allow it?";
    return false;
  }

  bool health(StepResult& result) {
    result.exit = kUnreachable;
    auto sender = Sender::open(settings_, local_);
    if (!sender) return result.detail = sender.error().what, false;
    sender_ = std::move(*sender);
    auto client = net::make_client(client_options(settings_, origin_));
    if (!client) return result.detail = client.error().what, false;
    net::HttpRequest request;
    request.path = origin_.base_path + "/health";
    request.deadline = settings_.millis("timeout");
    const net::HttpOutcome outcome = (*client)->perform(request);
    if (!outcome.ok) {
      result.detail = outcome.what;
      result.hint = outcome.stage == net::Stage::tls
                        ? "the certificate must be valid for this host; a private authority is named by ca_file"
                        : "something answers on this port, but it does not speak HTTP as expected";
      return false;
    }
    result.detail = (origin_.tls ? "certificate verified, " : "") + std::string("HTTP ") +
                    std::to_string(outcome.response.status) + " from /health";
    return true;
  }

  bool credentials(StepResult& result) {
    sync::Reply reply;
    capabilities_ = sender_->uplink().capabilities(reply);
    if (!capabilities_) {
      result.detail = reply.message;
      result.exit = reply.verdict == sync::Verdict::unauthorized    ? kCredentials
                    : reply.verdict == sync::Verdict::misconfigured ? kConfiguration
                                                                    : kUnreachable;
      result.hint =
          reply.verdict == sync::Verdict::unauthorized
              ? "make a key with `fortium-metrics-server key create`, and set it in FORTIUM_API_KEY or api_key_file"
              : "does url point to the service itself, with the right path?";
      return false;
    }
    result.detail = "key accepted; scopes";
    bool ingest = false;
    for (const std::string& scope : capabilities_->scopes) {
      result.detail += " " + scope;
      ingest = ingest || scope == "ingest";
    }
    if (!ingest && !capabilities_->scopes.empty()) {
      result.exit = kCredentials;
      result.hint = "the key lacks the scope ingest";
      return false;
    }
    return true;
  }

  bool organization(StepResult& result) {
    const std::string& wanted = settings_.text("org_id");
    const std::string& id = capabilities_->organization_id;
    const std::string& name = capabilities_->organization_name;
    result.detail = name + (id.empty() || id == name ? "" : " (" + id + ")");
    if (wanted.empty() || wanted == id || wanted == name) return true;
    result.exit = kConfiguration;
    result.hint = "org_id is another organization than the key's";
    return false;
  }

  bool clock(StepResult& result) {
    if (!capabilities_->server_time) return result.detail = "the service does not tell its time", true;
    const auto skew = local_.clock().now() - *capabilities_->server_time;
    result.detail = "differs by " + human_ms(std::abs(static_cast<double>(skew.count())));
    if (skew < std::chrono::hours(24)) return true;
    result.hint = "this machine's clock is more than a day ahead: its records will be refused";
    return false;
  }

  bool limits(StepResult& result) {
    result.detail = std::to_string(capabilities_->max_records) + " records, " +
                    human_bytes(capabilities_->max_body_bytes) + " a request" + (capabilities_->gzip ? ", gzip" : "");
    return true;
  }

  // An empty batch: everything is exercised, nothing is left behind.
  bool round_trip(StepResult& result) {
    const sync::Batch empty{uuid7(local_.clock().now(), local_.entropy()), {}, capabilities_->gzip};
    const sync::Reply reply = sender_->uplink().send(empty);
    result.detail = reply.verdict == sync::Verdict::receipt ? "an empty batch was taken and answered" : reply.message;
    result.exit = reply.verdict == sync::Verdict::unauthorized ? kCredentials : kUnreachable;
    result.hint = "the service does not answer batches as documented";
    return reply.verdict == sync::Verdict::receipt;
  }

  const Settings& settings_;
  Local& local_;
  net::Origin origin_;
  net::Origin first_;                   // where the first connection goes: the service, or the proxy
  std::vector<std::string> addresses_;  // sockaddr bytes
  std::unique_ptr<Sender> sender_;
  std::optional<sync::Capabilities> capabilities_;
  std::vector<StepResult> steps_;
};

}  // namespace

int run_test_connection(const Settings& settings, bool json) {
  tell_problems(settings);
  Local local(settings);
  Connection connection(settings, local);
  connection.run();
  const StepResult& last = connection.steps().back();
  if (json) {
    Json steps = Json::array();
    for (const StepResult& step : connection.steps())
      steps.push_back({{"name", step.name},
                       {"ok", step.ok},
                       {"ms", step.ms},
                       {"detail", step.detail},
                       {"hint", step.ok || step.hint.empty() ? Json() : Json(step.hint)}});
    const std::string& url = settings.text("url");
    std::cout << dump_json({{"ok", last.ok}, {"url", url.empty() ? Json() : Json(url)}, {"steps", std::move(steps)}})
              << "\n";
  } else {
    Table table;
    for (const char* title : {"", "STEP", "TIME", "DETAIL"}) table.column(title);
    for (const StepResult& step : connection.steps())
      table.row({step.ok ? "ok" : "FAIL", step.name, human_ms(step.ms), step.detail});
    std::cout << table.text();
    if (!last.ok && !last.hint.empty()) std::cout << "what to do: " << last.hint << "\n";
  }
  return last.ok ? kDone : last.exit;
}

}  // namespace fortium::app
