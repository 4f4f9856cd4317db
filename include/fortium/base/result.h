// A value or the reason why there is none.
//
// Expected failures are returned, never thrown. `Errc` is closed: every outside vocabulary (SQLite, HTTP, JSON-RPC,
// exit codes) is mapped to it once, in the file that knows that vocabulary. Messages are lower case, without a full
// stop, name what and how big, and never hold a secret or text that a person typed. Values; any thread.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fortium {

enum class Errc {
  invalid,       // the caller's input or a setting is wrong
  not_found,     // the named thing does not exist
  conflict,      // it exists with other content, or somebody else holds it
  busy,          // locked by another process for longer than we wait
  full,          // no space, quota or budget left
  unavailable,   // the other end cannot be reached or cannot answer now
  unauthorized,  // the other end refuses the credentials
  corrupt,       // stored data is damaged, or made by a newer version
  cancelled,     // given up on request
  internal,      // our own bug
};

constexpr std::string_view name(Errc code) {
  switch (code) {
    case Errc::invalid: return "invalid";
    case Errc::not_found: return "not_found";
    case Errc::conflict: return "conflict";
    case Errc::busy: return "busy";
    case Errc::full: return "full";
    case Errc::unavailable: return "unavailable";
    case Errc::unauthorized: return "unauthorized";
    case Errc::corrupt: return "corrupt";
    case Errc::cancelled: return "cancelled";
    case Errc::internal: return "internal";
  }
  return "internal";
}

struct Error {
  Errc code = Errc::internal;
  std::string what;

  bool operator==(const Error&) const = default;
};

template <class T>
class [[nodiscard]] Result {
 public:
  // Implicit, so that `return value` and `return Error{…}` say what they do. The same below.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    assert(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  T& value() {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const {
    assert(ok());
    return *std::get_if<0>(&state_);
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

// A broken promise of our own code. Thrown by FM_CHECK only; caught by mcp::Server and by the worker loop.
struct Bug {
  const char* what;
};

}  // namespace fortium

#define FM_CONCAT_(a, b) a##b
#define FM_CONCAT(a, b) FM_CONCAT_(a, b)

// FM_TRY(T x, expr): x is the value of expr, or this function returns its error.
// FM_TRY_(expr): the same where no value is wanted. Names are numbered, so that a lambda inside expr may use them too.
#define FM_TRY(declaration, expr) FM_TRY_NAMED(FM_CONCAT(fm_result_, __COUNTER__), declaration, expr)
// A declaration cannot stand in parentheses.
#define FM_TRY_NAMED(result, declaration, expr)    \
  auto result = (expr);                            \
  if (!(result)) return std::move(result).error(); \
  declaration = std::move(*(result)) /* NOLINT(bugprone-macro-parentheses) */
#define FM_TRY_(expr) FM_TRY_DONE(FM_CONCAT(fm_result_, __COUNTER__), expr)
#define FM_TRY_DONE(result, expr)                    \
  do {                                               \
    auto result = (expr);                            \
    if (!(result)) return std::move(result).error(); \
  } while (false)
#define FM_CHECK(condition)                                              \
  do {                                                                   \
    if (!(condition)) throw ::fortium::Bug{"check failed: " #condition}; \
  } while (false)
