#include "condense.h"

#include <charconv>
#include <utility>

namespace fortium::claude {

namespace {

constexpr std::size_t kNameBytes = 64;        // of a member of the event
constexpr std::size_t kSmallBytes = 1 << 10;  // ids, names and numbers have their place, whatever came before
constexpr std::string_view kNoCharacter = "\\ufffd";

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool goes_on(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }  // inside a character of UTF-8

}  // namespace

void Condenser::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (state_ == State::done || state_ == State::wrong) return;
    if (member_) ++size_.bytes;
    string_ ? in_string(c) : outside_string(c);
  }
}

Result<Condensed> Condenser::finish() {
  if (state_ != State::done) return Error{Errc::invalid, "the event is no JSON object, or not a whole one"};
  return std::move(out_);
}

void Condenser::outside_string(char c) {
  if (is_blank(c)) {
    if (member_) --size_.bytes;
    return;
  }
  if (state_ == State::before) {
    state_ = c == '{' ? State::inside : State::wrong;
    depth_ = 1;
    out_.text = "{";
    return;
  }
  if (depth_ == 1 && !member_ && c == ':') return begin_value();
  if (depth_ == 1 && (c == ',' || c == '}')) {
    if (member_) end_member();
    if (c == ',') return;
    out_.text += '}';
    state_ = State::done;
    return;
  }
  if (c == '"') return begin_string();
  if (c == '{' || c == '[') return open(c);
  if (c == '}' || c == ']') return close(c);
  if (!member_) {
    state_ = State::wrong;  // neither a name nor an end
    return;
  }
  put({&c, 1});
}

void Condenser::begin_value() {
  member_ = true;
  dropped_ = false;
  size_ = {};
  begin_ = out_.text.size();
}

// The name and the value, or nothing where there are too many already.
void Condenser::end_member() {
  --size_.bytes;  // the comma or brace
  member_ = false;
  std::string value = out_.text.substr(begin_);
  out_.text.resize(begin_);
  const bool room = value.size() <= kSmallBytes || begin_ + value.size() <= kMostBytes - kMemberBytes;
  if (dropped_ || !room) value = "null";
  if (out_.size.size() >= kMostMembers || name_.size() > kNameBytes) return;
  if (out_.text.size() > 1) out_.text += ',';
  out_.text += '"' + name_ + "\":" + value;
  out_.size[name_] = size_;
  name_.clear();
}

void Condenser::open(char c) {
  if (!member_) {
    state_ = State::wrong;
    return;
  }
  if (depth_ == kLevels) put("null");
  if (++depth_ <= kLevels) put({&c, 1});
}

void Condenser::close(char c) {
  if (depth_ <= kLevels) put({&c, 1});
  --depth_;
}

void Condenser::begin_string() {
  string_ = true;
  key_ = depth_ == 1 && !member_;
  cut_ = false;
  kept_ = 0;
  if (key_) name_.clear();
  if (!key_) put("\"");
}

void Condenser::in_string(char c) {
  if (!escape_.empty()) {
    escape_ += c;
    if (escape_.size() == (escape_[1] == 'u' ? 6U : 2U)) escape(std::exchange(escape_, {}));
  } else if (c == '\\') {
    escape_ = "\\";
  } else {
    if (!high_.empty()) unit(kNoCharacter, true), high_.clear();
    if (c == '"') return end_string();
    unit({&c, 1}, !goes_on(c));
  }
}

void Condenser::escape(std::string_view escaped) {
  unsigned code = 0;
  size_.lines += escaped[1] == 'n';
  if (escaped[1] == 'u') std::from_chars(escaped.data() + 2, escaped.data() + 6, code, 16);
  const bool high = code >= 0xD800 && code < 0xDC00, low = code >= 0xDC00 && code < 0xE000;
  if (low && !high_.empty()) return unit(std::exchange(high_, {}) + std::string(escaped), true);
  if (!high_.empty()) unit(kNoCharacter, true);
  high_ = high ? escaped : "";
  if (!high) unit(low ? kNoCharacter : escaped, true);
}

void Condenser::end_string() {
  string_ = false;
  if (!key_) put("\"");
}

// A character, or one byte of it: a string is cut between characters.
void Condenser::unit(std::string_view unit, bool first_byte) {
  if (key_) {
    if (name_.size() <= kNameBytes) name_ += unit;
    return;
  }
  if (depth_ == 1 && first_byte) ++size_.chars;
  if (first_byte && kept_ >= kStringBytes) cut_ = true;
  if (cut_) return;
  kept_ += unit.size();
  put(unit);
}

void Condenser::put(std::string_view text) {
  if (dropped_ || depth_ > kLevels) return;
  out_.text += text;
  dropped_ = out_.text.size() - begin_ > kMemberBytes;
}

}  // namespace fortium::claude
