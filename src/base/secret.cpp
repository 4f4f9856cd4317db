#include "fortium/base/secret.h"

namespace fortium {

std::string without_userinfo(std::string_view url) {
  const auto from = url.find("://") == url.npos ? 0 : url.find("://") + 3;
  const auto at = url.substr(0, url.find('/', from)).rfind('@');
  if (at == url.npos || at < from) return std::string(url);
  return std::string(url.substr(0, from)) + "…" + std::string(url.substr(at));
}

std::string redact(std::string_view text, const Secret& secret, std::size_t limit) {
  std::string out(text);
  if (!secret.empty())
    for (auto at = out.find(secret.reveal()); at != out.npos; at = out.find(secret.reveal(), at))
      out.replace(at, secret.reveal().size(), secret.masked());
  if (out.size() > limit) {
    while (limit > 0 && (static_cast<unsigned char>(out[limit]) & 0xC0) == 0x80) --limit;  // not inside a character
    out.resize(limit);
    out += "…";
  }
  return out;
}

}  // namespace fortium
