#include "talks.h"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <utility>

#include "catalogs.h"
#include "fortium/base/json.h"
#include "fortium/rpc/message.h"
#include "message.h"
#include "service/limits.h"
#include "session_state.h"

namespace fortium::service {

namespace {

constexpr int kServerError = -32000;

void send_all(Pipe& pipe, std::vector<std::string> lines) {
  for (std::string& line : lines) pipe.send(std::move(line));
}

class Said final : public Talk {
 public:
  explicit Said(std::vector<std::string> lines) : lines_(std::move(lines)) {}
  void work(Pipe& pipe) override {
    send_all(pipe, std::exchange(lines_, {}));
    pipe.close();
  }

 private:
  std::vector<std::string> lines_;
};

class Working final : public Talk {
 public:
  Working(std::unique_ptr<Conversation> conversation, std::string message, OnGone on_gone,
          std::unique_ptr<Mcp::Work> work)
      : conversation_(std::move(conversation)),
        message_(std::move(message)),
        on_gone_(on_gone),
        work_(std::move(work)) {}

  void work(Pipe& pipe) override {
    if (!conversation_) return;
    conversation_->server().use([this, &pipe](std::vector<std::string>& out, std::vector<rpc::Line>* in) {
      send_all(pipe, std::exchange(out, {}));
      if (in != nullptr && work_) *in = lines_for(*work_);
      return pipe.is_open() || on_gone_ == OnGone::go_on;
    });
    const rpc::Line line{message_, 0};
    send_all(pipe, conversation_->server().handle(std::span(&line, 1)));
    conversation_.reset();
    work_.reset();
    pipe.close();
  }

 private:
  std::unique_ptr<Conversation> conversation_;
  const std::string message_;
  const OnGone on_gone_;
  std::unique_ptr<Mcp::Work> work_;
};

// What stays open as long as its credential is good and there is a place for it.
class Lasting : public Talk {
 public:
  Lasting(Parts& parts, Request head, std::unique_ptr<Conversation> conversation, std::unique_ptr<Mcp::Place> place)
      : parts_(parts), head_(std::move(head)), conversation_(std::move(conversation)), place_(std::move(place)) {}

 protected:
  mcp::Server& server() { return conversation_->server(); }
  // Revoked credentials end what was begun with them, within seconds.
  bool may_stay() { return std::holds_alternative<Credential>(parts_.access.check(head_, kMcp)); }

  Parts& parts_;
  const Request head_;
  const std::unique_ptr<Conversation> conversation_;

 private:
  const std::unique_ptr<Mcp::Place> place_;
};

class Subscribed final : public Lasting {
 public:
  Subscribed(Parts& parts, Request head, std::unique_ptr<Conversation> conversation, std::unique_ptr<Mcp::Place> place,
             std::vector<std::string> lines)
      : Lasting(parts, std::move(head), std::move(conversation), std::move(place)), lines_(std::move(lines)) {}

  void work(Pipe& pipe) override {
    send_all(pipe, std::exchange(lines_, {}));
    send_all(pipe, server().notices());
    if (may_stay() && !pipe.is_ending()) return;
    send_all(pipe, server().close_streams());
    pipe.close();
  }

 private:
  std::vector<std::string> lines_;
};

class Listening final : public Lasting {
 public:
  Listening(Parts& parts, Request head, std::unique_ptr<Conversation> conversation, std::unique_ptr<Mcp::Place> place,
            std::string session, std::string credential)
      : Lasting(parts, std::move(head), std::move(conversation), std::move(place)),
        session_(std::move(session)),
        credential_(std::move(credential)),
        number_(parts.mcp.take_over(session_)) {}
  ~Listening() override { parts_.mcp.let_go(session_, number_); }

  void work(Pipe& pipe) override {
    if (pipe.is_ending() || !may_stay() || !parts_.mcp.is_newest(session_, number_)) return pipe.close();
    const auto session =
        parts_.mcp.sessions().find({conversation_->who().tenant, credential_}, session_, parts_.clock.now());
    if (!session) return;  // the store is busy: later
    const auto state = *session ? read_state((*session)->state) : std::nullopt;
    if (!state) return pipe.close();
    server().resume(*state);
    send_all(pipe, server().notices());
  }

 private:
  const std::string session_, credential_;
  const std::uint64_t number_;
};

class Chat final : public Lasting {
 public:
  using Lasting::Lasting;

  void work(Pipe& pipe) override {
    server().use([this, &pipe](std::vector<std::string>& out, std::vector<rpc::Line>* in) {
      send_all(pipe, std::exchange(out, {}));
      if (in != nullptr) *in = taken(pipe);
      return pipe.is_open();
    });
    const std::vector<rpc::Line> lines = taken(pipe);
    for (std::span<const rpc::Line> left = lines; !left.empty() || server().is_behind();) {
      const std::size_t next = std::min(left.size(), mcp::kMostGroup);
      send_all(pipe, next > 0 ? server().handle(left.first(next)) : server().catch_up());
      left = left.subspan(next);
    }
    send_all(pipe, server().notices());
    if (may_stay() && !pipe.is_ending()) return;
    send_all(pipe, server().close());
    pipe.close();
  }

 private:
  // What came and may be worked on; the rest hears that it was too much.
  std::vector<rpc::Line> taken(Pipe& pipe) {
    texts_.push_back(pipe.take());
    if (texts_.size() > 2) texts_.pop_front();  // lines point into them until the next were taken
    std::vector<std::string>& texts = texts_.back();
    if (texts.empty()) return {};
    const Standing standing = parts_.limit.charge(conversation_->who().tenant, units_of(texts.size()));
    std::vector<rpc::Line> lines;
    for (const std::string& text : texts) {
      if (standing.allowed)
        lines.push_back({text, 0});
      else
        refuse(pipe, text, standing);
    }
    return lines;
  }

  static void refuse(Pipe& pipe, const std::string& text, const Standing& standing) {
    const auto json = parse_json(text);
    const Posted posted = json ? look_at(*json) : Posted{.asks = true, .id = "null"};
    if (!posted.asks) return;
    pipe.send(rpc::error_line(
        posted.id, kServerError, "Rate limit exceeded",
        dump_json({{"retry_after", (standing.retry_after.count() + 999) / 1000}, {"limit_type", "mcp_requests"}})));
  }

  std::deque<std::vector<std::string>> texts_;
};

}  // namespace

std::int64_t units_of(std::size_t messages) {
  return std::max<std::int64_t>(1, (static_cast<std::int64_t>(messages) + kRecordsPerUnit - 1) / kRecordsPerUnit);
}

std::shared_ptr<Talk> said(std::vector<std::string> lines) { return std::make_shared<Said>(std::move(lines)); }

std::vector<rpc::Line> lines_for(Mcp::Work& work) {
  std::vector<rpc::Line> lines;
  for (const std::string& letter : work.letters()) lines.push_back({letter, 0});
  return lines;
}

std::shared_ptr<Talk> working(std::unique_ptr<Conversation> conversation, std::string message, OnGone on_gone,
                              std::unique_ptr<Mcp::Work> work) {
  return std::make_shared<Working>(std::move(conversation), std::move(message), on_gone, std::move(work));
}

std::shared_ptr<Talk> subscribed(Parts& parts, Request head, std::unique_ptr<Conversation> conversation,
                                 std::unique_ptr<Mcp::Place> place, std::vector<std::string> lines) {
  return std::make_shared<Subscribed>(parts, std::move(head), std::move(conversation), std::move(place),
                                      std::move(lines));
}

std::shared_ptr<Talk> listening(Parts& parts, Request head, std::unique_ptr<Conversation> conversation,
                                std::unique_ptr<Mcp::Place> place, std::string session, std::string credential) {
  return std::make_shared<Listening>(parts, std::move(head), std::move(conversation), std::move(place),
                                     std::move(session), std::move(credential));
}

std::shared_ptr<Talk> chat(Parts& parts, Request head, std::unique_ptr<Conversation> conversation,
                           std::unique_ptr<Mcp::Place> place) {
  return std::make_shared<Chat>(parts, std::move(head), std::move(conversation), std::move(place));
}

}  // namespace fortium::service
