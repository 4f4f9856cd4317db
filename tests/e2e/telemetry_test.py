#!/usr/bin/python3
"""Claude Code's own telemetry beside our client: one session, told by hooks, by its transcript and by OTLP, counts once.

Run: FORTIUM_BIN=…/fortium-metrics FORTIUM_SERVER_BIN=…/fortium-metrics-server python3 tests/e2e/telemetry_test.py
"""

import gzip
import http.client
import json
import os
import unittest

import support
from support import DEADLINE, DONE, digest

SESSION = "5b0cbd0e-3f0b-4a5e-9c53-0d8c6a3a6c11"
PROMPT = "c9d0a4f7-1d22-4f53-8a55-3a6a1a0f2b10"
SECRET = "typed-by-a-person"
TIME = "2026-03-01T00:00:0{}.000Z"


def attributes(values):
    forms = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}
    return [{"key": name, "value": {forms[type(one)]: one}} for name, one in values.items()]


def event(name, second, **values):
    """One event as Claude Code's exporter writes it."""
    common = {"user.id": "1f" * 32, "session.id": SESSION, "event.name": name, "prompt.id": PROMPT,
              "event.timestamp": TIME.format(second), "event.sequence": second, "terminal.type": "xterm"}
    return {"timeUnixNano": str((1772323200 + second) * 10**9), "body": {"stringValue": "claude_code." + name},
            "attributes": attributes({**common, **values}), "droppedAttributesCount": 0}


def logs():
    """The session below, as its events tell it."""
    records = [
        event("user_prompt", 1, prompt=SECRET, prompt_length="17", command_name="plan", command_source="custom"),
        event("tool_decision", 2, decision="accept", tool_name="Bash", tool_use_id="toolu_1"),
        event("tool_result", 2, tool_name="Bash", tool_use_id="toolu_1", success="true", duration_ms="87",
              tool_parameters=json.dumps({"full_command": SECRET}), tool_input=SECRET, tool_input_size_bytes="20"),
        event("api_request", 3, request_id="req_1", model="claude-sonnet-4-5-20250929", input_tokens=1, output_tokens=20,
              cache_read_tokens=0, cache_creation_tokens=0, cost_usd=0.000303, duration_ms=400),
        event("subagent_completed", 4, agent_id="a1", agent_type="planner", duration_ms=900, total_tokens=20),
        event("hook_execution_complete", 5, hook_event="Stop"),
    ]
    return {"resourceLogs": [{"resource": {"attributes": attributes({"service.name": "claude-code"})},
                              "scopeLogs": [{"scope": {"name": "com.anthropic.claude_code.events"},
                                             "logRecords": records}]}]}


def metrics():
    point = {"startTimeUnixNano": "1772323200000000000", "timeUnixNano": "1772323206000000000", "asDouble": 1,
             "attributes": attributes({"session.id": SESSION, "start_type": "fresh"})}
    tokens = {**point, "attributes": attributes({"session.id": SESSION, "type": "input", "model": "m"})}
    one = lambda name, point: {"name": "claude_code." + name, "sum": {"aggregationTemporality": 1, "isMonotonic": True,
                                                                      "dataPoints": [point]}}
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [one("session.count", point),
                                                               one("token.usage", tokens)]}]}]}


@unittest.skipUnless(support.Service.built(), f"{support.SERVER_BIN} is not built")
class Telemetry(support.Case):
    def setUp(self):
        super().setUp()
        self.service = support.Service(self)
        self.folder = os.path.join(self.home, ".claude", "projects", "-w-shop")
        os.makedirs(self.folder)
        self.transcript = os.path.join(self.folder, SESSION + ".jsonl")

    def post(self, path, body, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=DEADLINE)
        self.ends_with(connection.close)
        connection.request("POST", path, body, {"Authorization": f"Bearer {self.service.key}",
                                                "Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def export(self):
        """Claude Code's exporter, which takes a lost answer for a failure and sends again."""
        for _ in range(2):
            self.assertEqual(self.post("/v1/logs", json.dumps(logs())), (200, b"{}"))
            self.assertEqual(self.post("/v1/metrics", gzip.compress(json.dumps(metrics()).encode()),
                                       **{"Content-Encoding": "gzip"}), (200, b"{}"))

    def live(self):
        """The same session as our client sees it: hooks, the transcript, and delivery."""
        common = {"session_id": SESSION, "transcript_path": self.transcript, "cwd": "/w/shop", "prompt_id": PROMPT}
        tool = {"tool_name": "Bash", "tool_use_id": "toolu_1", "tool_input": {"command": SECRET}}
        line = {"type": "assistant", "uuid": "u-1", "timestamp": TIME.format(3), "sessionId": SESSION,
                "requestId": "req_1", "message": {
                    "id": "msg_1", "model": "claude-sonnet-4-5-20250929", "role": "assistant", "stop_reason": "end_turn",
                    "content": [{"type": "text", "text": SECRET}], "usage": {"input_tokens": 1, "output_tokens": 20}}}
        with open(self.transcript, "w") as file:
            file.write(json.dumps(line) + "\n")
        for name, fields in (("SessionStart", {"source": "startup"}), ("UserPromptSubmit", {"prompt": f"/plan {SECRET}"}),
                             ("PreToolUse", tool), ("PostToolUse", {**tool, "tool_response": {}, "duration_ms": 87}),
                             ("SubagentStart", {"agent_id": "a1", "agent_type": "planner"}),
                             ("SubagentStop", {"agent_id": "a1", "agent_type": "planner"}),
                             ("Stop", {}), ("SessionEnd", {"reason": "other"})):
            self.cli("hook", input=json.dumps({**common, "hook_event_name": name, **fields}) + "\n", code=DONE,
                     **self.account(), CLAUDE_PID=os.getpid())
        self.cli("import", code=DONE, **self.account())
        self.cli("sync", code=DONE, **self.account())

    def account(self):
        return {"FORTIUM_METRICS_URL": f"http://127.0.0.1:{self.service.port}", "FORTIUM_API_KEY": self.service.key}

    def counted(self):
        """{kind: how many} of what the service has, each id once."""
        status, body = self.service.get("/api/v1/metrics/ledger?from=2000-01-01&to=2100-01-01&ids=1")
        self.assertEqual(status, 200, body)
        counts, ids = {}, []
        for row in json.loads(body)["days"]:
            self.assertEqual((row["count"], row["digest"]), (len(row["ids"]), digest(row["ids"])))
            counts[row["kind"]] = counts.get(row["kind"], 0) + row["count"]
            ids += row["ids"]
        self.assertEqual(len(ids), len(set(ids)))
        return counts

    def summary(self):
        status, body = self.service.get("/api/v1/metrics/summary?from=2000-01-01&to=2100-01-01")
        self.assertEqual(status, 200, body)
        return json.loads(body)["totals"]

    # start, end and turn of the session
    BOTH = {"command_execution": 1, "tool_usage": 1, "agent_interaction": 1, "model_usage": 1, "user_session": 3}

    def test_telemetry_alone_is_a_start_without_our_client(self):
        self.export()
        self.assertEqual(self.counted(), {**self.BOTH, "user_session": 1})
        totals = self.summary()
        self.assertEqual((totals["sessions"], totals["tools"], totals["commands"], totals["agents"]), (1, 1, 1, 1))
        self.assertEqual((totals["tokens"]["input"], totals["tokens"]["output"]), (1, 20))
        for folder, _, names in os.walk(self.service.data):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(SECRET.encode(), file.read(), name)

    def test_protobuf_is_answered_in_protobuf(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=DEADLINE)
        self.ends_with(connection.close)
        # LogRecord { body { string_value } } of another program, in scopes and resources
        record = b"\x2a\x07\x0a\x05GET /"
        scope = b"\x12" + bytes([len(record)]) + record
        resource = b"\x12" + bytes([len(scope)]) + scope
        stranger = b"\x0a" + bytes([len(resource)]) + resource
        for body, status, answer in ((b"", 200, b""), (stranger, 200, b"\x0a\x2d\x08\x01\x12\x29only the telemetry"),
                                     (stranger[:-1], 400, b"\x08\x03\x12")):
            connection.request("POST", "/v1/logs", body, {"Authorization": f"Bearer {self.service.key}",
                                                          "Content-Type": "application/x-protobuf"})
            got = connection.getresponse()
            self.assertEqual((got.status, got.headers["Content-Type"]), (status, "application/x-protobuf"))
            self.assertTrue((said := got.read()).startswith(answer), said)

    def test_telemetry_first_then_our_client(self):
        self.export()
        self.live()
        self.assertEqual(self.counted(), self.BOTH)
        self.assertEqual(self.json("queue", "list", **self.account())["records"], [])
        self.assertEqual(self.summary()["tokens"]["output"], 20)
        # Counted once, and whoever asks is told so: what telemetry told first is not missing.
        told = self.json("verify", **self.account())
        self.assertEqual((told["ok"], told["missing"], told["twice_told"]), (True, 0, told["local"] - told["remote"]))
        self.assertGreaterEqual(told["twice_told"], 4)
        said = self.cli("verify", code=DONE, **self.account()).out
        self.assertIn("were told first by somebody else", said)

    def test_our_client_first_then_telemetry(self):
        self.live()
        self.export()
        self.assertEqual(self.counted(), self.BOTH)
        self.assertTrue(self.json("verify", **self.account())["ok"])


if __name__ == "__main__":
    unittest.main()
