#include "fortium/mcp/server.h"

#include "connection.h"

namespace fortium::mcp {

Server::Server(const Catalog& catalog, Context context, std::string_view version)
    : connection_(std::make_unique<Connection>(catalog, std::move(context), version)) {}

Server::~Server() = default;

void Server::use(Exchange exchange) { connection_->use(std::move(exchange)); }

std::vector<std::string> Server::handle(std::span<const rpc::Line> lines) { return connection_->handle(lines); }

std::optional<std::string> Server::handle(std::string_view line) {
  const rpc::Line one{line, 0};
  std::vector<std::string> said = connection_->handle(std::span(&one, 1));
  if (said.empty()) return std::nullopt;
  return std::move(said.back());
}

bool Server::is_behind() const { return connection_->is_behind(); }

std::vector<std::string> Server::catch_up() { return connection_->catch_up(); }

std::vector<std::string> Server::notices() { return connection_->notices(); }

std::optional<Millis> Server::notices_in() const { return connection_->notices_in(); }

bool Server::hears(Severity severity) const { return connection_->hears(severity); }

std::vector<std::string> Server::log(Severity severity, std::string_view logger, std::string_view text) {
  return connection_->log(severity, logger, text);
}

std::vector<std::string> Server::close() { return connection_->close(/*alone=*/false); }

std::vector<std::string> Server::close_streams() { return connection_->close(/*alone=*/true); }

std::optional<Revision> Server::session() const { return connection_->session(); }

std::optional<SessionState> Server::session_state() const { return connection_->session_state(); }

void Server::resume(const SessionState& state) { connection_->resume(state); }

}  // namespace fortium::mcp
