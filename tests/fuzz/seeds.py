#!/usr/bin/env python3
"""Makes the fuzzers' first inputs: seeds.py OUT-DIR, with OUT-DIR/<target>/ for each target.

`line` gets each transcript as a session, `check` each recorded argument object of a transcript, and `receipt`, `config`,
`hook`, `otlp`, `sums` and `http` what is written here.
"""

import hashlib
import json
import pathlib
import re
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
KINDS = {
    "record-command-execution": 0, "collect_metrics": 0, "record-tool-usage": 1, "record-agent-interaction": 2,
    "record-session-update": 3, "record-productivity-metric": 4, "record-model-usage": 5,
}


def put(directory, data):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def bytes_of(line):
    """The bytes of a `>` line, or None for one that stands for a line too long to keep."""
    if line.startswith(b">+ "):
        return None
    if line.startswith(b">\\ "):
        text = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), line[3:])
        return text.replace(b"\\\\", b"\\")
    return line[2:] if line.startswith(b"> ") else line[1:]


def handshake(revision):
    return [json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}},
        separators=(",", ":")).encode()]


def session_of(text):
    """A transcript's lines: an empty line ends a group."""
    groups, lines = [], text.split(b"\n")
    for line in lines:
        if line.startswith(b"session: "):
            groups.append(handshake(line[9:].decode().strip()))
    at = 0
    while at < len(lines):
        run = []
        while at < len(lines) and lines[at].startswith(b">"):
            data = bytes_of(lines[at])
            if data:
                run.append(data)
            at += 1
        if at < len(lines) and lines[at].startswith(b"! meanwhile: "):
            groups.append([b"\x01" + lines[at][13:]])
        elif at < len(lines) and lines[at].startswith(b"@ "):
            groups.append([b"\x02"])
        if run and at < len(lines) and lines[at] == b"|":
            groups.append(run)
        else:
            groups.extend([line] for line in run)
        at += 1
    return groups


def arguments_of(groups):
    for group in groups:
        for line in group:
            try:
                message = json.loads(line)
                params = message["params"]
                yield params["name"], params["arguments"]
            except (ValueError, KeyError, TypeError):
                pass


# Messages of OTLP: name in JSON -> (number, type or message, whether there are several).
ANY = {"stringValue": (1, "text"), "boolValue": (2, "integer"), "intValue": (3, "integer"), "doubleValue": (4, "double")}
ANY["arrayValue"] = (5, {"values": (1, ANY, True)})
ATTRIBUTES = {"key": (1, "text"), "value": (2, ANY)}
RESOURCE = {"attributes": (1, ATTRIBUTES, True)}
RECORD = {"timeUnixNano": (1, "fixed"), "body": (5, ANY), "attributes": (6, ATTRIBUTES, True), "eventName": (12, "text")}
LOGS = {"resourceLogs": (1, {"resource": (1, RESOURCE), "scopeLogs": (2, {"logRecords": (2, RECORD, True)}, True)}, True)}
POINT = {"startTimeUnixNano": (2, "fixed"), "timeUnixNano": (3, "fixed"), "asDouble": (4, "double"),
         "attributes": (7, ATTRIBUTES, True)}
POINTS = {"dataPoints": (1, POINT, True), "aggregationTemporality": (2, "integer")}
METRIC = {"name": (1, "text"), "gauge": (5, POINTS), "sum": (7, POINTS)}
METRICS = {"resourceMetrics": (1, {"resource": (1, RESOURCE), "scopeMetrics": (2, {"metrics": (2, METRIC, True)}, True)}, True)}


def varint(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def wire(message, value):
    """A message in its binary form."""
    out = b""
    for name, (number, form, *several) in message.items():
        if name not in value:
            continue
        for one in value[name] if several else [value[name]]:
            if form in ("fixed", "double"):
                out += varint(number << 3 | 1) + (struct.pack("<Q", int(one)) if form == "fixed" else struct.pack("<d", one))
            elif form == "integer":
                out += varint(number << 3) + varint(int(one))
            else:
                data = one.encode() if form == "text" else wire(form, one)
                out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def telemetry():
    """(logs, metrics) as Claude Code sends them, with every event and metric that is read."""
    def attributes(**values):
        forms = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}
        return [{"key": name.replace("__", "."), "value": {forms[type(one)]: one}} for name, one in values.items()]

    common = {"session__id": "s", "user__id": "i", "prompt__id": "p", "event__sequence": 7}
    events = {
        "api_request": {"request_id": "r", "model": "m", "input_tokens": 1, "output_tokens": 2, "cost_usd": 0.5},
        "api_error": {"status_code": "529", "attempt": 2, "error": "overloaded"},
        "tool_result": {"tool_name": "Bash", "tool_use_id": "t", "success": "true", "duration_ms": "87"},
        "tool_decision": {"tool_name": "Bash", "tool_use_id": "t", "decision": "reject"},
        "subagent_completed": {"agent_id": "a", "agent_type": "x", "duration_ms": 5, "total_tokens": 9},
        "user_prompt": {"command_name": "plan", "prompt": "/plan"},
        "hook_registered": {"safe_mode": False},
    }
    records = [{"timeUnixNano": "1767322445678000000", "body": {"stringValue": "claude_code." + name},
                "attributes": attributes(**common, **values)} for name, values in events.items()]
    resource = {"attributes": attributes(service__name="claude-code", team__id="red")}
    points = {"session.count": {"start_type": "fresh"}, "lines_of_code.count": {"type": "added"}, "token.usage": {}}
    metrics = [{"name": "claude_code." + name, "sum": {"aggregationTemporality": 1, "dataPoints": [
        {"startTimeUnixNano": "1767322440000000000", "timeUnixNano": "1767322445678000000", "asDouble": 3.0,
         "attributes": attributes(session__id="s", **values)}]}} for name, values in points.items()]
    return ({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]},
            {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]})


def main():
    out = pathlib.Path(sys.argv[1])
    for transcript in sorted((HERE.parent / "protocol").glob("*.mcp")):
        groups = session_of(transcript.read_bytes())
        put(out / "line", b"\n\n".join(b"\n".join(group) for group in groups) + b"\n")
        for tool, arguments in arguments_of(groups):
            kind = KINDS.get(tool) if isinstance(tool, str) else None
            if kind is not None:
                put(out / "check", bytes([kind]) + json.dumps(arguments).encode())

    results = [{"id": name, "status": status} for name, status in
               (("a", "accepted"), ("b", "duplicate"), ("c", "retry"))]
    refused = [{"index": 0, "status": "rejected", "code": "invalid", "message": "tool_name: is required"}]
    for body in (
            {"success": True, "batch_id": "batch-1", "results": results,
             "limits": {"max_batch_records": 1000, "max_body_bytes": 10485760}},
            {"success": True, "batch_id": "batch-1", "results": refused + results},
            {"success": True, "data": {"command_executions": 1, "tool_usages": 1, "model_usages": 1}},
            {"success": False, "message": "Database temporarily unavailable", "retry_after": 30},
            {"success": False, "errors": [{"field": "tool_name", "message": "is required"}]},
            {"error": {"message": "no"}}):
        for status in (200, 202, 400, 413, 429, 503):
            for after in (b"", b"120", b"Fri, 02 Jan 2026 03:04:05 GMT"):
                put(out / "receipt", status.to_bytes(2, "big") + after + b"\n" + json.dumps(body).encode())

    common = {"session_id": "s", "cwd": "/w/shop", "prompt_id": "p", "agent_id": "a", "agent_type": "x",
              "tool_use_id": "t", "duration_ms": 5, "reason": "other", "source": "startup", "trigger": "auto",
              "prompt": "/plan now", "error": "Exit code 3", "command_name": "plan", "permission_mode": "plan",
              "tool_input": {"command": "git push", "file_path": "/w/a.py", "skill": "review", "token": "x"},
              "tool_response": {"status": "completed", "agentId": "a", "structuredPatch": [{"lines": ["+a", "-b"]}],
                                "deep": [[[[[[[[[[[[[["\ud83d"]]]]]]]]]]]]]], "long": "x" * 5000}}
    for event in ("SessionStart", "SessionEnd", "UserPromptSubmit", "UserPromptExpansion", "PreToolUse", "PostToolUse",
                  "PostToolUseFailure", "PermissionRequest", "PermissionDenied", "SubagentStart", "SubagentStop",
                  "Stop", "StopFailure", "PreCompact", "PostCompact", "Other"):
        for tool in ("Bash", "Skill", "Agent"):
            text = json.dumps({"hook_event_name": event, "tool_name": tool, **common}).encode()
            put(out / "hook", bytes([len(text) % 251]) + text)

    for text in (b"=\n", b"org_id=acme\nurl = \"https://metrics.example.com\"\nbatch_size = 20\n",
                 b"org_id=a \"b\" \\c\n# mine\norg_id = 'old' # comment\n\n[privacy]\npaths = true\n",
                 b"org_id=1_000\r\nmode = hybrid\r\norg_id=\n", b"org_id=\n[x]\norg_id = 1\n[[y]]\nz"):
        put(out / "config", text)

    logs, metrics = telemetry()
    put(out / "otlp", b"\x00" + json.dumps(metrics).encode())
    put(out / "otlp", b"\x01" + json.dumps(logs).encode())
    put(out / "otlp", b"\x02" + wire(METRICS, metrics))
    put(out / "otlp", b"\x03" + wire(LOGS, logs))

    def number(value):
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number(value >> 7)

    def told(*values):
        return b"".join(number(len(value)) + value if isinstance(value, bytes) else number(value) for value in values)

    few, many = told(3, 1000, 500, 250_000), told(40, 1200 * 8 + 5, 3 * 8, 27)
    for durations in (few, many, b""):
        put(out / "sums", b"\x00" + durations)
        timed = 3 if durations == few else 40 if durations == many else 0
        put(out / "sums", b"\x01" + told(b"Bash", 2, 5, 30, 4, 12, 1, b"shop", 2, 5, 1, 40, 1, 1, 0, timed, 9, 1, 8, 0, 0, 0, 0,
                                         0, 0, 18_000_000, 3_600_000, durations))
    put(out / "sums", b"\x02" + told(18, b"5e551011", b"shop", b"hook", 0, 9, 1, 0, 0, 4, 8, 1, 0, 1, 5, 6, 7, 8, 1, 9, 7, 1000, 60_000)
        + told(21, 0, 9, 1, 0, 0, 4, 8, 1, 0, 1, 5, 6, 7, 8, 1, 9, 7, 1000, 60_000))

    def request(method, path, body=b"", *lines):
        head = [f"{method} {path} HTTP/1.1", "Host: x", "Authorization: Bearer KEY", *lines]
        if body:
            head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join([*head, "", ""]).encode() + body

    both = "Accept: application/json, text/event-stream"
    batch = json.dumps({"batch_id": "b", "tool_usages": [{"id": "00000000-0000-7000-8000-000000000001", "tool_name": "R",
                                                          "execution_time_ms": 1, "status": "success"}]}).encode()
    hello = handshake("2025-11-25")[0]
    alone = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}}}}).encode()
    for data in (request("POST", "/api/v1/metrics/batch", batch) * 2,
                 request("POST", "/api/v1/metrics/batch", batch, "Idempotency-Key: k"),
                 request("POST", "/mcp", hello, both),
                 request("POST", "/mcp", alone, both, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list"),
                 request("POST", "/mcp/v1/batch", b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]'),
                 request("GET", "/mcp", b"", "Accept: text/event-stream", "Mcp-Session-Id: 0"),
                 request("GET", "/mcp/ws", b"", "Upgrade: websocket", "Connection: Upgrade"),
                 request("GET", "/api/v1/metrics/tools?from=2026-01-01&to=2026-01-31&limit=5&format=csv"),
                 request("GET", "/api/v1/metrics/ledger?ids=1&cursor=x"),
                 request("GET", "/api/v1/metrics/tools?%ad=1&project=%ff"),
                 request("OPTIONS", "/mcp", b"", "Origin: http://localhost:1", "Access-Control-Request-Method: POST"),
                 request("HEAD", "/metrics", b"", "X-Forwarded-For: 1.2.3.4, 10.0.0.1"),
                 b"POST /mcp HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"2\r\n{}\r\n0\r\n\r\n"):
        put(out / "http", data)


if __name__ == "__main__":
    main()
