// The messages of OTLP, as far as they are read: numbers and names as opentelemetry-proto publishes them (its packages
// common.v1, resource.v1, logs.v1, metrics.v1 and collector.*.v1). Whatever is not here is skipped.
#include "wire.h"

namespace fortium::service {

namespace {

constexpr bool kRepeated = true;

constexpr WireField group(std::uint32_t number, std::string_view name, const WireMessage& of, bool repeated = false) {
  return {number, name, WireType::message, &of, repeated};
}

// AnyValue holds lists of itself.
extern const WireMessage kAnyValue;

constexpr WireField kKeyValueFields[] = {{1, "key", WireType::text}, group(2, "value", kAnyValue)};
constexpr WireMessage kKeyValue{kKeyValueFields};
constexpr WireField kArrayFields[] = {group(1, "values", kAnyValue, kRepeated)};
constexpr WireMessage kArray{kArrayFields};
constexpr WireField kKeyValueListFields[] = {group(1, "values", kKeyValue, kRepeated)};
constexpr WireMessage kKeyValueList{kKeyValueListFields};
constexpr WireField kAnyValueFields[] = {
    {1, "stringValue", WireType::text},   {2, "boolValue", WireType::boolean}, {3, "intValue", WireType::integer},
    {4, "doubleValue", WireType::number}, group(5, "arrayValue", kArray),      group(6, "kvlistValue", kKeyValueList),
};
constexpr WireMessage kAnyValue{kAnyValueFields};

constexpr WireField kResourceFields[] = {group(1, "attributes", kKeyValue, kRepeated)};
constexpr WireMessage kResource{kResourceFields};
constexpr WireField kScopeFields[] = {{1, "name", WireType::text}};
constexpr WireMessage kScope{kScopeFields};

constexpr WireField kLogRecordFields[] = {
    {1, "timeUnixNano", WireType::fixed},
    group(5, "body", kAnyValue),
    group(6, "attributes", kKeyValue, kRepeated),
    {11, "observedTimeUnixNano", WireType::fixed},
    {12, "eventName", WireType::text},
};
constexpr WireMessage kLogRecord{kLogRecordFields};
constexpr WireField kScopeLogsFields[] = {group(1, "scope", kScope), group(2, "logRecords", kLogRecord, kRepeated)};
constexpr WireMessage kScopeLogs{kScopeLogsFields};
constexpr WireField kResourceLogsFields[] = {group(1, "resource", kResource),
                                             group(2, "scopeLogs", kScopeLogs, kRepeated)};
constexpr WireMessage kResourceLogs{kResourceLogsFields};
constexpr WireField kLogsRequestFields[] = {group(1, "resourceLogs", kResourceLogs, kRepeated)};

constexpr WireField kPointFields[] = {
    {2, "startTimeUnixNano", WireType::fixed},
    {3, "timeUnixNano", WireType::fixed},
    {4, "asDouble", WireType::number},
    {6, "asInt", WireType::sfixed},
    group(7, "attributes", kKeyValue, kRepeated),
};
constexpr WireMessage kPoint{kPointFields};
constexpr WireField kPointsFields[] = {group(1, "dataPoints", kPoint, kRepeated),
                                       {2, "aggregationTemporality", WireType::integer}};
constexpr WireMessage kPoints{kPointsFields};
// Of the other forms of a metric only how many points there are.
constexpr WireMessage kOpaque{};
constexpr WireField kOtherPointsFields[] = {group(1, "dataPoints", kOpaque, kRepeated)};
constexpr WireMessage kOtherPoints{kOtherPointsFields};
constexpr WireField kMetricFields[] = {
    {1, "name", WireType::text},
    group(5, "gauge", kPoints),
    group(7, "sum", kPoints),
    group(9, "histogram", kOtherPoints),
    group(10, "exponentialHistogram", kOtherPoints),
    group(11, "summary", kOtherPoints),
};
constexpr WireMessage kMetric{kMetricFields};
constexpr WireField kScopeMetricsFields[] = {group(1, "scope", kScope), group(2, "metrics", kMetric, kRepeated)};
constexpr WireMessage kScopeMetrics{kScopeMetricsFields};
constexpr WireField kResourceMetricsFields[] = {group(1, "resource", kResource),
                                                group(2, "scopeMetrics", kScopeMetrics, kRepeated)};
constexpr WireMessage kResourceMetrics{kResourceMetricsFields};
constexpr WireField kMetricsRequestFields[] = {group(1, "resourceMetrics", kResourceMetrics, kRepeated)};

}  // namespace

constexpr WireMessage kLogsRequest{kLogsRequestFields};
constexpr WireMessage kMetricsRequest{kMetricsRequestFields};

}  // namespace fortium::service
