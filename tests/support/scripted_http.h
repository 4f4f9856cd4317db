// An HTTP client that remembers requests and answers from a list. Not thread-safe.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "fortium/net/http.h"

namespace fortium::test {

class ScriptedHttp final : public net::HttpClient {
 public:
  std::vector<net::HttpRequest> requests;
  std::deque<net::HttpOutcome> answers;
  bool cancelled = false;

  net::HttpOutcome perform(const net::HttpRequest& request) override {
    requests.push_back(request);
    if (answers.empty()) return {.ok = false, .stage = net::Stage::connect, .what = "nothing is scripted"};
    net::HttpOutcome answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  void cancel() override { cancelled = true; }

  void answer(int status, std::string body, net::Headers headers = {}) {
    answers.push_back({.ok = true, .response = {status, std::move(headers), std::move(body)}});
  }
};

// The first header of that name, or "(none)".
inline std::string header_of(const net::HttpRequest& request, const std::string& name) {
  for (const auto& [key, value] : request.headers)
    if (key == name) return value;
  return "(none)";
}

}  // namespace fortium::test
