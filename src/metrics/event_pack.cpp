#include "fortium/metrics/event_pack.h"

#include <cstdint>
#include <cstring>

namespace fortium::metrics {

namespace {

// An event is the number of its kind, then each field that is there: its place, its type, its value.
static_assert(kKindCount < 256);
enum class Type : unsigned char { integer, number, text };

template <class T>
void append(std::string& out, T value) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  out.append(raw, sizeof raw);
}

template <class T>
T take(std::string_view& bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

std::string_view take_text(std::string_view& bytes) {
  const auto size = take<std::uint32_t>(bytes);
  const std::string_view text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return text;
}

}  // namespace

void EventPack::add(const Event& event) {
  begins_.push_back(bytes_.size());
  append(bytes_, static_cast<unsigned char>(index_of(*event.kind)));
  for (std::size_t i = 0; i < event.row.size(); ++i) {
    const schema::Value& value = event.row[i];
    if (value.index() == 0) continue;
    append(bytes_, static_cast<unsigned char>(i));
    if (const auto* whole = std::get_if<std::int64_t>(&value)) {
      append(bytes_, Type::integer);
      append(bytes_, *whole);
    } else if (const auto* number = std::get_if<double>(&value)) {
      append(bytes_, Type::number);
      append(bytes_, *number);
    } else {
      const auto& text = std::get<std::string>(value);
      append(bytes_, Type::text);
      append(bytes_, static_cast<std::uint32_t>(text.size()));
      bytes_ += text;
    }
  }
}

void EventPack::add(const EventPack& other, std::size_t place) {
  begins_.push_back(bytes_.size());
  bytes_ += other.bytes_of(place);
}

std::string_view EventPack::bytes_of(std::size_t place) const {
  const std::size_t end = place + 1 < begins_.size() ? begins_[place + 1] : bytes_.size();
  return std::string_view(bytes_).substr(begins_[place], end - begins_[place]);
}

const Kind& EventPack::kind(std::size_t place) const {
  return kinds()[static_cast<unsigned char>(bytes_[begins_[place]])];
}

// The first field of every record.
std::string_view EventPack::id(std::size_t place) const {
  static_assert(kId == 0);
  std::string_view bytes = bytes_of(place).substr(1);
  const auto field = take<unsigned char>(bytes);
  return field == kId && take<Type>(bytes) == Type::text ? take_text(bytes) : std::string_view();
}

void EventPack::read(std::size_t place, Event& event) const {
  std::string_view bytes = bytes_of(place);
  event.kind = &kinds()[take<unsigned char>(bytes)];
  event.row.resize(event.kind->shape.size());
  std::size_t next = 0;
  while (!bytes.empty()) {
    const auto field = take<unsigned char>(bytes);
    for (; next < field; ++next) event.row[next] = {};
    schema::Value& value = event.row[next++];
    switch (take<Type>(bytes)) {
      case Type::integer: value = take<std::int64_t>(bytes); break;
      case Type::number: value = take<double>(bytes); break;
      case Type::text:
        if (auto* text = std::get_if<std::string>(&value))
          *text = take_text(bytes);
        else
          value = std::string(take_text(bytes));
    }
  }
  for (; next < event.row.size(); ++next) event.row[next] = {};
}

}  // namespace fortium::metrics
