// Addresses of clients, and whom to believe about them. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fortium::service {

// Addresses of networks: "10.0.0.1", "10.0.0.0/8", "fd00::/8".
class AddressRanges {
 public:
  // Texts that are none are left out: see address_range_complaint().
  explicit AddressRanges(const std::vector<std::string>& texts = {});
  bool contain(std::string_view address) const;
  bool empty() const { return ranges_.empty(); }

 private:
  struct Range {
    std::string bytes;  // of the address, as IPv6
    unsigned bits = 0;  // of them that count
  };
  std::vector<Range> ranges_;
};

// 127.0.0.0/8, ::1.
bool is_this_machine(std::string_view address);

// What is wrong with one of them, "must be …"; empty: nothing.
std::string address_range_complaint(std::string_view text);

// Who sent a request that came from `peer` with this X-Forwarded-For: the last one of them that no trusted proxy speaks
// for. Anybody may write the rest.
std::string client_of(std::string_view peer, std::string_view forwarded, const AddressRanges& trusted);

}  // namespace fortium::service
