#include "wire.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

namespace fortium::service {

namespace {

// How a value is laid out; groups (3 and 4) are long gone.
enum Layout : std::uint64_t { kVarint = 0, kEight = 1, kBytes = 2, kFour = 5 };

constexpr std::size_t kMostVarintBytes = 10;

Layout layout_of(WireType type) {
  switch (type) {
    case WireType::text:
    case WireType::message: return kBytes;
    case WireType::boolean:
    case WireType::integer: return kVarint;
    case WireType::fixed:
    case WireType::sfixed:
    case WireType::number: return kEight;
  }
  return kBytes;
}

// Strictly: no overlong form, no surrogate, nothing beyond U+10FFFF.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t size = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
    if (size == 0 || text.size() - i < size) return false;
    for (std::size_t k = 1; k < size; ++k)
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    const auto second = size > 2 ? static_cast<unsigned char>(text[i + 1]) : 0x80;
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
        (first == 0xF4 && second > 0x8F))
      return false;
    i += size;
  }
  return true;
}

class Reader {
 public:
  Result<Json> message(const WireMessage& message, std::string_view bytes, int depth) {
    if (depth > kMaxJsonDepth) return bad("more than " + std::to_string(kMaxJsonDepth) + " levels");
    if (++messages_ > kMostMessages) return bad("more than " + std::to_string(kMostMessages) + " messages");
    Json out = Json::object();
    while (!bytes.empty()) {
      const auto tag = varint(bytes);
      if (!tag || *tag >> 3 == 0 || *tag >> 3 > UINT32_MAX) return bad("a broken field number");
      const std::uint64_t layout = *tag & 7;
      const auto field = std::ranges::find(message.fields, static_cast<std::uint32_t>(*tag >> 3), &WireField::number);
      if (field == message.fields.end()) {
        if (!skip(layout, bytes)) return bad("a field that is cut off, or a group");
        continue;
      }
      if (layout != layout_of(field->type)) return bad(std::string(field->name) + " is of another type");
      FM_TRY(Json value, this->value(*field, bytes, depth));
      Json& place = out[std::string(field->name)];
      if (field->repeated)
        place.push_back(std::move(value));
      else
        place = std::move(value);
    }
    return out;
  }

 private:
  static Error bad(std::string what) { return {Errc::invalid, std::move(what)}; }

  static std::optional<std::uint64_t> varint(std::string_view& bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < std::min(bytes.size(), kMostVarintBytes); ++i) {
      const auto byte = static_cast<unsigned char>(bytes[i]);
      if (i == kMostVarintBytes - 1 && byte > 1) return std::nullopt;  // more than 64 bits
      value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
      if (byte < 0x80) {
        bytes.remove_prefix(i + 1);
        return value;
      }
    }
    return std::nullopt;
  }

  static std::optional<std::uint64_t> eight(std::string_view& bytes) {
    if (bytes.size() < 8) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i)
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    bytes.remove_prefix(8);
    return value;
  }

  static std::optional<std::string_view> piece(std::string_view& bytes) {
    const auto size = varint(bytes);
    if (!size || *size > bytes.size()) return std::nullopt;
    const std::string_view out = bytes.substr(0, *size);
    bytes.remove_prefix(*size);
    return out;
  }

  static bool skip(std::uint64_t layout, std::string_view& bytes) {
    if (layout == kVarint) return varint(bytes).has_value();
    if (layout == kEight) return eight(bytes).has_value();
    if (layout == kBytes) return piece(bytes).has_value();
    if (layout != kFour || bytes.size() < 4) return false;
    bytes.remove_prefix(4);
    return true;
  }

  Result<Json> value(const WireField& field, std::string_view& bytes, int depth) {
    const Error cut = bad(std::string(field.name) + " is cut off");
    if (layout_of(field.type) == kBytes) {
      const auto text = piece(bytes);
      if (!text) return cut;
      if (field.type == WireType::message) return message(*field.of, *text, depth + 1);
      if (!is_utf8(*text)) return bad(std::string(field.name) + " is not UTF-8");
      return Json(*text);
    }
    const auto bits = layout_of(field.type) == kVarint ? varint(bytes) : eight(bytes);
    if (!bits) return cut;
    if (field.type == WireType::boolean) return Json(*bits != 0);
    if (field.type == WireType::fixed) return Json(*bits);
    if (field.type != WireType::number) return Json(static_cast<std::int64_t>(*bits));
    const auto number = std::bit_cast<double>(*bits);
    return std::isfinite(number) ? Json(number) : Json();  // there is no such number in JSON
  }

  std::size_t messages_ = 0;
};

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}

}  // namespace

Result<Json> read_wire(const WireMessage& message, std::string_view bytes) {
  return Reader().message(message, bytes, 1);
}

void append_wire_text(std::string& out, std::uint32_t number, std::string_view text) {
  append_varint(out, static_cast<std::uint64_t>(number) << 3 | kBytes);
  append_varint(out, text.size());
  out += text;
}

void append_wire_integer(std::string& out, std::uint32_t number, std::uint64_t value) {
  append_varint(out, static_cast<std::uint64_t>(number) << 3 | kVarint);
  append_varint(out, value);
}

}  // namespace fortium::service
