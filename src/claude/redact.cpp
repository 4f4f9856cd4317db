#include "redact.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace fortium::claude {

namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_upper(c) || is_lower(c) || is_digit(c); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

// Of keys and tokens of all vendors.
bool is_token(char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.' || c == '+' || c == '/' || c == '='; }
bool is_name(char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; }

// How the keys of common vendors begin, and how long what follows is at least.
struct Vendor {
  std::string_view prefix;
  std::size_t rest;
};
constexpr Vendor kVendors[] = {
    {"sk-", 16},    {"sk_live_", 10}, {"sk_test_", 10}, {"rk_live_", 10}, {"rk_test_", 10}, {"whsec_", 10},
    {"ghp_", 16},   {"gho_", 16},     {"ghu_", 16},     {"ghs_", 16},     {"ghr_", 16},     {"github_pat_", 16},
    {"glpat-", 12}, {"gldt-", 12},    {"glrt-", 12},    {"xoxb-", 8},     {"xoxp-", 8},     {"xoxa-", 8},
    {"xoxr-", 8},   {"xoxs-", 8},     {"xapp-", 8},     {"AKIA", 12},     {"ASIA", 12},     {"AIza", 30},
    {"ya29.", 16},  {"npm_", 20},     {"pypi-", 20},    {"dop_v1_", 20},  {"hf_", 20},      {"SG.", 20},
    {"shpat_", 16}, {"shpss_", 16},   {"sq0atp-", 12},  {"sq0csp-", 12},  {"lin_api_", 16}, {"dckr_pat_", 12},
    {"fm_", 16},    {"figd_", 16},    {"gsk_", 20},     {"xai-", 20},     {"r8_", 20},      {"pplx-", 20},
    {"tvly-", 16},  {"nvapi-", 20},   {"hvs.", 16},     {"pat_", 20},     {"key-", 20},     {"AGE-SECRET-KEY-", 20},
    {"eyJ", 20},
};

// A name that speaks of a secret: `STRIPE_KEY`, `db.password`, `X-Auth-Token`.
bool speaks_of_secret(std::string_view name) {
  constexpr std::array kWords = {"password", "passwd",     "passphrase", "secret",   "token",    "apikey",
                                 "api_key",  "api-key",    "credential", "private",  "authoriz", "access_key",
                                 "cookie",   "access-key", "accountkey", "signature"};
  const std::string text = lower_case(name);
  if (std::ranges::any_of(kWords, [&](const char* word) { return text.find(word) != text.npos; })) return true;
  for (const char* end : {"key", "pwd", "pass", "auth", "pat", "pin", "dsn", "salt"}) {
    if (!text.ends_with(end)) continue;
    const std::string_view before = std::string_view(text).substr(0, text.size() - std::string_view(end).size());
    if (before.empty() || before.back() == '_' || before.back() == '-' || before.back() == '.') return true;
  }
  return false;
}

// Mixed, long and without a slash path's shape: what a generator makes and nobody types.
bool looks_random(std::string_view word) {
  constexpr std::size_t kLong = 32;
  if (word.size() < kLong) return false;
  const auto any = [&](auto is) { return std::ranges::any_of(word, is); };
  if (std::ranges::count(word, '/') > 3 || word.find("//") != word.npos) return false;  // a path or an address
  const bool hex =
      std::ranges::all_of(word, [](char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); });
  return any(is_digit) && (hex || (any(is_upper) && any(is_lower)));
}

class Redactor {
 public:
  explicit Redactor(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size())
      if (!pem() && !address() && !named() && !scheme() && !word()) copy(1);
    return std::move(out_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  char before() const { return at_ == 0 ? ' ' : text_[at_ - 1]; }
  void copy(std::size_t size) {
    out_ += text_.substr(at_, size);
    at_ += size;
  }
  void hide(std::size_t size) {
    out_ += kRedacted;
    at_ += size;
  }
  template <class Is>
  std::size_t run_of(std::size_t from, Is is) const {
    std::size_t end = from;
    while (end < text_.size() && is(text_[end])) ++end;
    return end - from;
  }

  // -----BEGIN … to -----END …-----, or to the end of what there is.
  bool pem() {
    constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ", kDashes = "-----";
    if (!rest().starts_with(kBegin)) return false;
    const auto end = text_.find(kEnd, at_);
    const auto close = end == text_.npos ? end : text_.find(kDashes, end + kEnd.size());
    hide(close == text_.npos ? rest().size() : close + kDashes.size() - at_);
    return true;
  }

  // scheme://user:password@host: all before the @.
  bool address() {
    if (!rest().starts_with("://")) return false;
    copy(3);
    const std::size_t size =
        run_of(at_, [](char c) { return !is_blank(c) && c != '/' && c != '?' && c != '"' && c != '\''; });
    const auto sign = text_.substr(at_, size).rfind('@');
    if (sign != text_.npos) hide(sign);
    return true;
  }

  // NAME=value, "name": "value", --name value, Name: value.
  bool named() {
    if (is_name(before()) || !is_name(text_[at_])) return false;
    const std::size_t size = run_of(at_, is_name);
    const std::string_view name = text_.substr(at_, size);
    if (!speaks_of_secret(name)) return false;
    std::size_t value = at_ + size;
    const bool option = name.starts_with("--");
    if (value < text_.size() && (text_[value] == '"' || text_[value] == '\'')) ++value;
    value += run_of(value, [](char c) { return c == ' ' || c == '\t'; });
    if (value < text_.size() && (text_[value] == '=' || text_[value] == ':'))
      ++value;
    else if (!option || value == at_ + size)
      return false;
    value += run_of(value, [](char c) { return c == ' ' || c == '\t'; });
    copy(value - at_);
    return secret_value();
  }

  // To the closing quote, or else: of a scheme and its credentials, or of one word.
  bool secret_value() {
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote == '"' || quote == '\'' || quote == '`') {
      copy(1);
      const std::size_t size = run_of(at_, [quote](char c) { return c != quote; });
      if (size > 0) hide(size);
      return true;
    }
    if (scheme()) return true;
    const std::size_t size = run_of(at_, [](char c) { return !is_blank(c) && c != '"' && c != '\'' && c != ';'; });
    if (size > 0) hide(size);
    return true;
  }

  // Bearer …, Basic …, Token …
  bool scheme() {
    if (is_name(before())) return false;
    for (const std::string_view scheme : {"bearer", "basic", "token", "digest", "negotiate"}) {
      if (lower_case(rest().substr(0, scheme.size())) != scheme) continue;
      const std::size_t blanks = run_of(at_ + scheme.size(), [](char c) { return c == ' ' || c == '\t'; });
      const std::size_t size = run_of(at_ + scheme.size() + blanks, is_token);
      const std::string_view token = text_.substr(at_ + scheme.size() + blanks, size);
      // "token count" and "basic idea" are words.
      if (blanks == 0 || token.size() < 8 || !std::ranges::any_of(token, [](char c) { return !is_lower(c); })) continue;
      copy(scheme.size() + blanks);
      hide(size);
      return true;
    }
    return false;
  }

  // A word that begins as a vendor's key does, or looks random. Any other is copied whole.
  bool word() {
    if (!is_token(text_[at_])) return false;
    const std::size_t size = run_of(at_, is_token);
    const std::string_view whole = text_.substr(at_, size);
    for (std::size_t from = 0; from < size; ++from) {
      if (from > 0 && is_alnum(whole[from - 1])) continue;  // inside a word
      for (const Vendor& vendor : kVendors)
        if (whole.substr(from).starts_with(vendor.prefix) && size - from >= vendor.prefix.size() + vendor.rest) {
          copy(from);
          hide(size - from);
          return true;
        }
    }
    // A path is many words.
    const std::size_t part =
        std::min(size, run_of(at_, [](char c) { return is_token(c) && c != '/' && c != '='; }) + 1);
    if (looks_random(whole)) {
      hide(size);
    } else if (looks_random(whole.substr(0, part))) {
      hide(part);
    } else {
      copy(part);
    }
    return true;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string redact(std::string_view text) { return Redactor(text).run(); }

}  // namespace fortium::claude
