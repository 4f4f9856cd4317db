// What is said over event streams and WebSockets: each is a Talk (service/http/http.h) about one conversation.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conversation.h"
#include "mcp.h"
#include "service/route.h"

namespace fortium::service {

// Of the rate limit.
std::int64_t units_of(std::size_t messages);

// What was said already, as events.
std::shared_ptr<Talk> said(std::vector<std::string> lines);

// Works on one message and tells of its progress. `on_gone`: whether a client that leaves has cancelled it.
enum class OnGone { go_on, cancel };
// `work`: of a session; a cancellation that is posted there ends it, too.
std::shared_ptr<Talk> working(std::unique_ptr<Conversation> conversation, std::string message, OnGone on_gone,
                              std::unique_ptr<Mcp::Work> work = nullptr);
// What came for it, as the core reads it.
std::vector<rpc::Line> lines_for(Mcp::Work& work);

// A request that stays open (subscriptions/listen), of which `lines` were said already.
std::shared_ptr<Talk> subscribed(Parts& parts, Request head, std::unique_ptr<Conversation> conversation,
                                 std::unique_ptr<Mcp::Place> place, std::vector<std::string> lines);

// What a session subscribed to, wherever it did so.
std::shared_ptr<Talk> listening(Parts& parts, Request head, std::unique_ptr<Conversation> conversation,
                                std::unique_ptr<Mcp::Place> place, std::string session, std::string credential);

// Messages both ways: a WebSocket.
std::shared_ptr<Talk> chat(Parts& parts, Request head, std::unique_ptr<Conversation> conversation,
                           std::unique_ptr<Mcp::Place> place);

}  // namespace fortium::service
