// Which web pages may talk to the service. Browsers name the page's origin; other programs name none. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http.h"

namespace fortium::service {

class Origins {
 public:
  // "https://metrics.example.com": scheme, host and port, if it is not the scheme's own. Pages of this machine are
  // always welcome: who can serve them can do what he likes anyway.
  explicit Origins(std::vector<std::string> allowed = {});

  // No page at all, or one that may.
  bool welcomes(const Request& request) const;
  // What a browser wants to hear before it shows the answer to the page.
  void tell(const Request& request, Response& response) const;
  // The answer to a browser that asks first.
  Response preflight(const Request& request, std::string_view methods) const;

 private:
  std::vector<std::string> allowed_;
};

// What is wrong with one of a list, "must be …"; empty: nothing.
std::string origin_complaint(std::string_view origin);

}  // namespace fortium::service
