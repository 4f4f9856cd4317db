// A credential. It has no stream operator, no JSON form and no way into a log: it prints as its last four characters.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace fortium {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  bool empty() const { return text_.empty(); }
  // For the one header that carries it.
  const std::string& reveal() const { return text_; }
  std::string masked() const {
    if (text_.empty()) return "";
    return "…" + (text_.size() > 8 ? text_.substr(text_.size() - 4) : std::string());
  }

 private:
  std::string text_;
};

// "http://user:password@host" without what stands before the "@".
std::string without_userinfo(std::string_view url);

// `text` with every occurrence of the secret replaced, cut at `limit` bytes on a character boundary: for showing what
// another program said.
std::string redact(std::string_view text, const Secret& secret, std::size_t limit);

}  // namespace fortium
