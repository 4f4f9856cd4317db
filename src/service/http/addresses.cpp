#include "addresses.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <optional>

#include "fortium/base/settings.h"

namespace fortium::service {

namespace {

namespace ip = boost::asio::ip;

constexpr unsigned kBits = 128, kFirstOfV4 = 96;

// As the 16 bytes of IPv6: one form for both.
std::optional<std::string> bytes_of(std::string_view text) {
  boost::system::error_code wrong;
  const ip::address address = ip::make_address(std::string(text), wrong);
  if (wrong) return std::nullopt;
  const ip::address_v6 wide = address.is_v4() ? ip::make_address_v6(ip::v4_mapped, address.to_v4()) : address.to_v6();
  const auto bytes = wide.to_bytes();
  return std::string(bytes.begin(), bytes.end());
}

struct Read {
  std::string bytes;
  unsigned bits = 0;
};
std::optional<Read> read_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto bytes = bytes_of(text.substr(0, slash));
  if (!bytes) return std::nullopt;
  if (slash == text.npos) return Read{*bytes, kBits};
  const bool four = text.substr(0, slash).find(':') == text.npos;
  const auto bits = read_whole(text.substr(slash + 1));
  if (!bits || *bits < 0 || *bits > (four ? kBits - kFirstOfV4 : kBits)) return std::nullopt;
  return Read{*bytes, static_cast<unsigned>(*bits) + (four ? kFirstOfV4 : 0)};
}

bool same(const std::string& a, const std::string& b, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xFFU << (8 - rest) & 0xFFU;
  return ((static_cast<unsigned char>(a[whole]) ^ static_cast<unsigned char>(b[whole])) & mask) == 0;
}

}  // namespace

AddressRanges::AddressRanges(const std::vector<std::string>& texts) {
  for (const std::string& text : texts)
    if (auto read = read_range(text)) ranges_.push_back({std::move(read->bytes), read->bits});
}

bool AddressRanges::contain(std::string_view address) const {
  if (ranges_.empty()) return false;
  const auto bytes = bytes_of(address);
  return bytes && std::ranges::any_of(ranges_, [&](const Range& one) { return same(one.bytes, *bytes, one.bits); });
}

bool is_this_machine(std::string_view address) {
  static const AddressRanges kLoopback({"127.0.0.0/8", "::1"});
  return kLoopback.contain(address);
}

std::string address_range_complaint(std::string_view text) {
  return read_range(text) ? "" : "must be addresses such as 10.0.0.1 or 10.0.0.0/8, with commas between them";
}

std::string client_of(std::string_view peer, std::string_view forwarded, const AddressRanges& trusted) {
  std::vector<std::string> hops = read_list(forwarded);
  std::string client(peer);
  while (!hops.empty() && trusted.contain(client) && bytes_of(hops.back())) {
    client = std::move(hops.back());
    hops.pop_back();
  }
  return client;
}

}  // namespace fortium::service
