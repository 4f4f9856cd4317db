#include "tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace fortium::net {

namespace {

int socket_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

// OpenSSL's own socket BIO writes with flags 0, and dies of SIGPIPE when the peer is gone.
int send_quietly(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t put = ::send(socket_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}

int receive(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(socket_of(bio), out, static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* quiet_socket() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "quiet socket");
    if (made == nullptr) return made;
    BIO_meth_set_write(made, send_quietly);
    BIO_meth_set_read(made, receive);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

bool is_address(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

Error no_tls(const char* what) { return {Errc::internal, std::string("TLS could not be set up: ") + what}; }

}  // namespace

Result<void> Tls::prepare(const std::string& ca_file) {
  if (context_ != nullptr) return {};
  ERR_clear_error();
  std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1)
    return no_tls("no context");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_default_verify_paths(context.get());  // without them every certificate is refused, which says it all
  if (!ca_file.empty() && SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1)
    return Error{Errc::invalid, "no certificates could be read from " + ca_file};
  context_ = std::move(context);
  return {};
}

Result<void> Tls::attach(int socket, const std::string& host) {
  ERR_clear_error();
  std::unique_ptr<SSL, Free> session(SSL_new(context_.get()));
  if (session == nullptr || quiet_socket() == nullptr) return no_tls("no session");
  BIO* bio = BIO_new(quiet_socket());
  if (bio == nullptr) return no_tls("no session");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(session.get(), bio, bio);
  X509_VERIFY_PARAM* expected = SSL_get0_param(session.get());
  if (is_address(host)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) != 1) return no_tls("the address of the host");
  } else {
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(session.get(), host.c_str()) != 1 || SSL_set_tlsext_host_name(session.get(), host.c_str()) != 1)
      return no_tls("the name of the host");
  }
  SSL_set_connect_state(session.get());
  session_ = std::move(session);
  return {};
}

void Tls::detach() {
  if (session_ == nullptr) return;
  ERR_clear_error();
  if (SSL_is_init_finished(session_.get()) != 0) SSL_shutdown(session_.get());
  session_.reset();
}

Tls::Io Tls::outcome(int code) {
  switch (SSL_get_error(session_.get(), code)) {
    case SSL_ERROR_NONE: return Io::done;
    case SSL_ERROR_WANT_READ: return Io::wants_read;
    case SSL_ERROR_WANT_WRITE: return Io::wants_write;
    case SSL_ERROR_ZERO_RETURN: return Io::closed;
    default: return Io::failed;  // an end without goodbye is none: the answer may have been cut
  }
}

Tls::Io Tls::handshake() {
  ERR_clear_error();
  return outcome(SSL_connect(session_.get()));
}

Tls::Io Tls::read(char* out, std::size_t size, std::size_t& got) {
  ERR_clear_error();
  return outcome(SSL_read_ex(session_.get(), out, size, &got));
}

Tls::Io Tls::write(const char* data, std::size_t size, std::size_t& put) {
  ERR_clear_error();
  return outcome(SSL_write_ex(session_.get(), data, size, &put));
}

std::string Tls::why() const {
  if (const long verified = SSL_get_verify_result(session_.get()); verified != X509_V_OK)
    return std::string("the certificate is not accepted: ") + X509_verify_cert_error_string(verified);
  const unsigned long code = ERR_peek_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "the connection was closed";
}

}  // namespace fortium::net
