// Lines of transcripts, as Claude Code writes them. Values only; no captured text.
#pragma once

#include <cstdint>
#include <string>

namespace fortium::test {

// What the lines of one file have in common, and a clock that goes on by a second a line.
class Lines {
 public:
  explicit Lines(std::string session, bool side = false, std::int64_t second = 0)
      : session_(std::move(session)), side_(side), second_(second) {}

  std::string assistant(const std::string& message, const std::string& request, int output, const char* stop,
                        const std::string& content = R"({"type":"text","text":"…"})",
                        const std::string& model = "claude-sonnet-4-5-20250929") {
    return head("assistant") + R"("requestId":")" + request + R"(","message":{"id":")" + message +
           R"(","type":"message","role":"assistant","model":")" + model + R"(","content":[)" + content +
           R"(],"stop_reason":)" + (stop == nullptr ? "null" : '"' + std::string(stop) + '"') +
           R"(,"usage":{"input_tokens":10,"output_tokens":)" + std::to_string(output) +
           R"(,"cache_read_input_tokens":1000,"cache_creation_input_tokens":0,)"
           R"("cache_creation":{"ephemeral_5m_input_tokens":60,"ephemeral_1h_input_tokens":40},)"
           R"("speed":"standard"}}})"
           "\n";
  }
  static std::string tool_use(const std::string& id, const std::string& name = "Read") {
    return R"({"type":"tool_use","id":")" + id + R"(","name":")" + name +
           R"(","input":{"file_path":"somewhere/secret.txt","content":"\"usage\":{}"}})";
  }
  std::string tool_result(const std::string& id, bool error = false, const std::string& more = "") {
    return head("user") + R"("message":{"role":"user","content":[{"tool_use_id":")" + id +
           R"(","type":"tool_result","content":"what came out","is_error":)" + (error ? "true" : "false") + "}]}" +
           more + "}\n";
  }
  std::string prompt(const std::string& text) {
    return head("user") + R"("promptId":"prompt-)" + std::to_string(second_) +
           R"(","message":{"role":"user","content":")" + text + "\"}}\n";
  }
  std::string failed() {
    return head("assistant") +
           R"("isApiErrorMessage":true,"error":"rate_limit","apiErrorStatus":429,"message":{"id":"u1","model":"<synthetic>","content":[],)"
           R"("usage":{"input_tokens":0,"output_tokens":0,"speed":null}}})"
           "\n";
  }
  std::string system(const std::string& subtype, const std::string& more) {
    return head("system") + R"("subtype":")" + subtype + "\"" + more + "}\n";
  }
  std::string noise() {
    return R"({"type":"file-history-snapshot","snapshot":{"a":[1,2,{"b":"}"}]}})"
           "\n";
  }

  std::string time() const {
    char text[32];
    const int at = static_cast<int>(second_ % 86'400);
    std::snprintf(text, sizeof text, "2026-03-%02dT%02d:%02d:%02d.000Z", static_cast<int>(1 + second_ / 86'400),
                  at / 3'600, at / 60 % 60, at % 60);
    return text;
  }

 private:
  std::string head(const char* type) {
    ++second_;
    return R"({"parentUuid":null,"isSidechain":)" + std::string(side_ ? "true" : "false") + R"(,"type":")" + type +
           R"(","uuid":"uuid-)" + session_ + std::to_string(second_) + R"(","timestamp":")" + time() +
           R"(","sessionId":")" + session_ + R"(","cwd":"/a/private/place/project-x","version":"2.1.330",)";
  }

  const std::string session_;
  const bool side_;
  std::int64_t second_;
};

}  // namespace fortium::test
