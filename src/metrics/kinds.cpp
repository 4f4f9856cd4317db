// Every kind of record the product knows. To add one: add an entry, run tests/update, read the diff, commit it.
#include <algorithm>
#include <array>

#include "fortium/metrics/kind.h"

namespace fortium::metrics {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): the table is written in its words

constexpr Alias kDurationAliases[] = {{"processing_time_ms"}, {"duration_ms"}, {"duration"}, {"time"}};
constexpr Alias kModelDurationAliases[] = {{"execution_time_ms"}, {"processing_time_ms"}, {"duration"}, {"time"}};
constexpr Alias kStatusAliases[] = {{"success", Convert::success_flag}};
constexpr Alias kProjectAliases[] = {{"project_id"}};
constexpr Alias kContextAliases[] = {{"metadata"}};
constexpr Alias kMetadataAliases[] = {{"context"}};
constexpr Alias kValueAliases[] = {{"metric_value"}};
constexpr Alias kUnitAliases[] = {{"metric_unit"}};
constexpr Alias kMinutesAliases[] = {{"duration_minutes", Convert::minutes_to_ms}};
constexpr Alias kCacheReadAliases[] = {{"cache_read_input_tokens"}};
constexpr Alias kCacheCreationAliases[] = {{"cache_creation_input_tokens"}};

constexpr Text kKey{.min_chars = 1, .max_chars = 128};
constexpr Text kName{.min_chars = 1, .max_chars = kMaxNameChars};
constexpr Number kDuration{.min = 0, .max = kMaxDurationMs};
constexpr Integer kTokens{.min = 0, .max = kMaxTokens};
constexpr Object kDetail{.max_members = kMaxMembers, .max_bytes = kMaxDetailBytes};

constexpr Field kAgentItem{.name = "agent", .type = kName, .doc = "An agent's name."};

constexpr std::string_view kMetricTypes[] = {"completion_rate",  "error_rate",           "efficiency_score",
                                             "code_quality",     "collaboration",        "commands_per_hour",
                                             "session_duration", "productivity_score",   "code_quality_score",
                                             "response_time",    "task_completion_time", "agent_usage_frequency"};

constexpr Field duration(std::string_view doc) {
  return {
      .name = "execution_time_ms", .type = kDuration, .doc = doc, .need = Need::measured, .aliases = kDurationAliases};
}
constexpr Field status(std::string_view doc) {
  return {.name = "status", .type = OneOf{kStatuses}, .doc = doc, .aliases = kStatusAliases};
}
constexpr Field optional(std::string_view name, Type type, std::string_view doc, std::span<const Alias> aliases = {}) {
  return {.name = name, .type = type, .doc = doc, .need = Need::optional, .aliases = aliases};
}
constexpr Field recorded(std::string_view name, Type type, std::string_view doc) {
  return {.name = name, .type = type, .doc = doc, .need = Need::optional, .given = Given::record};
}

// In the order of the enum Envelope.
constexpr std::array<Field, kEnvelopeSize> kEnvelope = {
    recorded("id", kKey, "Identity of the record, made once: a UUIDv7."),
    optional("timestamp", Timestamp{}, "When it happened; now, if absent."),
    recorded("recorded_at", Timestamp{}, "When it was recorded."),
    optional("session_id", kKey, "Claude Code session; the current one, if absent."),
    optional("user_id", kName, "Label of the person."),
    optional("team_id", kKey, "Label of the team."),
    recorded("device_id", kKey, "Installation that recorded it."),
    recorded("seq", Integer{.min = 1, .max = INT64_MAX}, "Place among the records of its session on its device."),
    recorded("source", OneOf{kSources}, "Way it came in."),
    optional("project", kName, "Project it belongs to.", kProjectAliases),
    optional("prompt_id", kKey, "Prompt that led to it."),
    optional("tool_use_id", kKey, "Tool call it belongs to."),
    optional("request_id", kKey, "Model request it belongs to."),
    optional("message_id", kKey, "Model message it belongs to."),
};
static_assert(kEnvelope[kId].name == "id" && kEnvelope[kSeq].name == "seq" &&
              kEnvelope[kMessageId].name == "message_id");

template <std::size_t n>
constexpr std::array<Field, kEnvelopeSize + n> with_envelope(const Field (&own)[n]) {
  std::array<Field, kEnvelopeSize + n> all{};
  std::ranges::copy(kEnvelope, all.begin());
  std::ranges::copy(own, all.begin() + kEnvelopeSize);
  return all;
}

constexpr auto kCommandExecution = with_envelope({
    {.name = "command_name", .type = kName, .doc = "Command that ran, such as /plan-product."},
    duration("Wall time of the command, in milliseconds."),
    status("How the command ended."),
    optional("error_message", Text{.min_chars = 0, .max_chars = kMaxErrorChars, .multiline = true}, "What went wrong."),
    optional("command_args", kDetail, "Arguments of the command."),
    optional("context", kDetail, "Free-form detail, kept verbatim.", kContextAliases),
});
constexpr auto kToolUsage = with_envelope({
    {.name = "tool_name", .type = kName, .doc = "Tool that ran."},
    duration("Wall time of the tool, in milliseconds."),
    status("How the tool ended."),
    optional("error_message", Text{.min_chars = 0, .max_chars = kMaxErrorChars, .multiline = true}, "What went wrong."),
    optional("context", kDetail, "Free-form detail, kept verbatim.", kContextAliases),
});
constexpr auto kAgentInteraction = with_envelope({
    {.name = "agent_name", .type = kName, .doc = "Agent that took part."},
    {.name = "interaction_type",
     .type = Text{.min_chars = 1, .max_chars = 100},
     .doc = "What it did: tool_call, delegation, response, or a word of your own."},
    optional("input_tokens", kTokens, "Tokens it read."),
    optional("output_tokens", kTokens, "Tokens it wrote."),
    duration("Wall time of the interaction, in milliseconds."),
    status("How the interaction ended."),
    optional("error_message", Text{.min_chars = 0, .max_chars = kMaxErrorChars, .multiline = true}, "What went wrong."),
    optional("command_execution_id", kKey, "Record of the command that it served."),
    optional("metadata", kDetail, "Free-form detail, kept verbatim.", kMetadataAliases),
});
constexpr auto kUserSession = with_envelope({
    optional("change", OneOf{kSessionChanges}, "What happened to the session; an update, if absent."),
    optional("status", OneOf{kSessionStatuses}, "State of the session after the change."),
    optional("session_start", Timestamp{}, "When the session began."),
    optional("session_end", Timestamp{}, "When the session ended."),
    optional("total_duration_ms", Number{.min = 0, .max = 31.0 * kMaxDurationMs}, "Length of the session.",
             kMinutesAliases),
    optional("commands_executed", Integer{.min = 0, .max = 1'000'000'000}, "Commands run so far."),
    optional("agents_used", List{.item = &kAgentItem, .max_items = 1000}, "Agents used so far."),
    optional("productivity_score", Number{.min = 0, .max = 100}, "A score given by the caller, from 0 to 100."),
    optional("completion_reason", kName, "Why the session ended."),
    optional("tasks_completed", Number{.min = 0, .max = 1'000'000'000}, "Tasks completed."),
    optional("satisfaction_score", Number{.min = 1, .max = 10}, "Satisfaction given by the person, from 1 to 10."),
    optional("focus_time_minutes", Number{.min = 0, .max = 44'640}, "Minutes of undisturbed work."),
    optional("interruption_count", Integer{.min = 0, .max = 1'000'000'000}, "Interruptions."),
    optional("context", kDetail, "Free-form detail, kept verbatim.", kContextAliases),
});
constexpr auto kProductivityMetric = with_envelope({
    {.name = "metric_type", .type = OneOf{kMetricTypes}, .doc = "What was measured."},
    {.name = "value", .type = Number{.min = -1e15, .max = 1e15}, .doc = "Measured value.", .aliases = kValueAliases},
    optional("unit", Text{.min_chars = 1, .max_chars = 50}, "Unit of the value.", kUnitAliases),
    optional("period_start", Timestamp{}, "Begin of the measured period."),
    optional("period_end", Timestamp{}, "End of the measured period."),
    optional("dimensions", kDetail, "What the value is broken down by.", kContextAliases),
});
constexpr auto kModelUsage = with_envelope({
    {.name = "model", .type = kName, .doc = "Model that was asked."},
    {.name = "input_tokens", .type = kTokens, .doc = "Tokens sent, without those read from or written to the cache."},
    {.name = "output_tokens", .type = kTokens, .doc = "Tokens received."},
    optional("cache_read_tokens", kTokens, "Tokens read from the cache.", kCacheReadAliases),
    optional("cache_creation_tokens", kTokens, "Tokens written to the cache.", kCacheCreationAliases),
    optional("cost_usd", Number{.min = 0, .max = 1e9}, "Cost in US dollars."),
    optional("duration_ms", kDuration, "Wall time of the request, in milliseconds.", kModelDurationAliases),
});

constexpr Kind kKinds[] = {
    {"command_execution", 1, "command_executions", "record-command-execution", "command-execution", "commands",
     "Record one command of Claude Code, from start to outcome.", kCommandExecution},
    {"tool_usage", 1, "tool_usages", "record-tool-usage", "tool-usage", "tool calls",
     "Record tool execution with performance metrics: one tool call, from start to outcome.", kToolUsage},
    {"agent_interaction", 1, "agent_interactions", "record-agent-interaction", "agent-interaction",
     "agent interactions", "Record one interaction with an agent, with its tokens and outcome.", kAgentInteraction},
    {"user_session", 1, "user_sessions", "", "session", "session changes",
     "One change of a session: its start, an update, or its end.", kUserSession},
    {"productivity_metric", 1, "productivity_metrics", "record-productivity-metric", "productivity",
     "productivity metrics", "Record one measured value of productivity, with its unit and period.",
     kProductivityMetric},
    {"model_usage", 1, "model_usages", "record-model-usage", "model-usage", "model requests",
     "Record the tokens, and the cost where known, of one model request.", kModelUsage},
};
static_assert(std::size(kKinds) == kKindCount);
static_assert(well_formed(kCommandExecution) && well_formed(kToolUsage) && well_formed(kAgentInteraction) &&
              well_formed(kUserSession) && well_formed(kProductivityMetric) && well_formed(kModelUsage));

}  // namespace

std::span<const Kind> kinds() { return kKinds; }

const Kind* find_kind(std::string_view name) {
  for (const Kind& kind : kKinds)
    if (kind.name == name || kind.batch_key == name) return &kind;
  return nullptr;
}

std::size_t index_of(const Kind& kind) { return static_cast<std::size_t>(&kind - kKinds); }

}  // namespace fortium::metrics
