#include <algorithm>
#include <charconv>

#include "fortium/net/http.h"

namespace fortium::net {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool take_scheme(std::string_view& url, std::string_view scheme) {
  if (url.size() < scheme.size() || !same_text(url.substr(0, scheme.size()), scheme)) return false;
  url.remove_prefix(scheme.size());
  return true;
}

// A name, a dotted address, or, between brackets, an IPv6 address.
bool is_host(std::string_view host, bool bracketed) {
  if (host.empty() || host.size() > 253) return false;  // RFC 1035
  const auto allowed = [bracketed](char c) {
    return bracketed ? std::string_view("0123456789abcdefABCDEF:.").find(c) != std::string_view::npos
                     : is_alnum(c) || c == '-' || c == '.' || c == '_';
  };
  return std::ranges::all_of(host, allowed) && (!bracketed || host.find(':') != host.npos);
}

Error bad_url(std::string_view why) {
  return {Errc::invalid, "must be an address such as https://metrics.example.com: " + std::string(why)};
}

}  // namespace

Result<Origin> parse_url(std::string_view url) {
  Origin origin;
  if (take_scheme(url, "http://")) {
    origin.tls = false;
    origin.port = 80;
  } else if (!take_scheme(url, "https://")) {
    return bad_url("it begins with https:// or http://");
  }
  const auto odd = [](char c) { return c <= ' ' || c >= 0x7F || c == '\\' || c == '"' || c == '<' || c == '>'; };
  if (std::ranges::any_of(url, odd)) return bad_url("only letters, digits and signs of an address");
  if (url.find_first_of("?#") != url.npos) return bad_url("no query and no fragment");

  std::string_view authority = url.substr(0, url.find('/'));
  std::string_view path = url.substr(authority.size());
  if (authority.find('@') != authority.npos) return bad_url("no user and no password");
  std::string_view port;
  const bool bracketed = authority.starts_with('[');
  if (const auto colon = authority.find(':', bracketed ? authority.find(']') : 0); colon != authority.npos) {
    port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
    const auto end = port.data() + port.size();
    if (port.empty() || port.size() > 5 || std::from_chars(port.data(), end, origin.port).ptr != end ||
        origin.port < 1 || origin.port > 65535 || !is_digit(port.front()))
      return bad_url("the port is from 1 to 65535");
  }
  if (bracketed) {
    if (!authority.ends_with(']')) return bad_url("an IPv6 address ends with ]");
    authority = authority.substr(1, authority.size() - 2);
  }
  if (!is_host(authority, bracketed)) return bad_url("the host is a name or an address");
  std::ranges::transform(authority, std::back_inserter(origin.host), lower);
  while (path.ends_with('/')) path.remove_suffix(1);
  origin.base_path = path;
  return origin;
}

bool is_loopback(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (same_text(host, "localhost") || host == "::1" || host == "0:0:0:0:0:0:0:1") return true;
  constexpr std::string_view kLocal = ".localhost";  // RFC 6761
  if (host.size() > kLocal.size() && same_text(host.substr(host.size() - kLocal.size()), kLocal)) return true;
  // 127.0.0.0/8, as four plain numbers: "127.evil.example" is a name.
  int parts = 0;
  bool local = true;
  while (local && parts < 4) {
    const std::string_view part = host.substr(0, host.find('.'));
    int number = -1;
    const auto end = part.data() + part.size();
    local = !part.empty() && part.size() <= 3 && std::ranges::all_of(part, is_digit) &&
            std::from_chars(part.data(), end, number).ptr == end && number <= 255 && (parts > 0 || number == 127);
    ++parts;
    if (part.size() == host.size()) break;
    host.remove_prefix(part.size() + 1);
    if (parts == 4) local = false;
  }
  return local && parts == 4;
}

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (same_text(key, name)) return value;
  return {};
}

}  // namespace fortium::net
