#!/usr/bin/python3
"""Warnings of what is unlike usual: in `status`, in tool results, and as log messages of the server, whoever recorded."""

import datetime
import json
import uuid

import support
from support import DONE, until

NOW = datetime.datetime.now(datetime.timezone.utc)


class Alerts(support.Case):
    def calls(self, count, kind="tool_usage", ago=datetime.timedelta(seconds=1), **what):
        """So many records of one moment, as a hook of another process would make them."""
        time = (NOW - ago).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        record = {"kind": kind, "timestamp": time, "execution_time_ms": 10, "status": "success", **what}
        lines = "".join(json.dumps({**record, "id": str(uuid.uuid4())}) + "\n" for _ in range(count))
        self.cli("record", "--json", "-", input=lines, code=DONE)

    def alerts(self, **variables):
        return [(one["kind"], one["name"], one["type"], one["severity"])
                for one in self.json("status", **variables)["alerts"]]

    def test_status_tells_of_the_last_hour_and_of_nothing_else(self):
        self.assertEqual(self.json("status")["alerts"], [])
        self.calls(9, tool_name="Bash")
        self.calls(1, tool_name="Bash", status="error")
        self.calls(6, kind="command_execution", command_name="/build", execution_time_ms=20_000)
        self.calls(10, tool_name="Read", status="error", ago=datetime.timedelta(hours=2))
        self.assertEqual(self.alerts(), [("command_execution", "/build", "performance_warning", "critical"),
                                         ("tool_usage", "Bash", "high_error_rate", "medium")])
        text = self.cli("status", code=DONE).out
        self.assertIn("unusual  /build: the last 6 calls were slow on average (critical)\n"
                      "         Bash: of the last 10 calls, 1 did not succeed\n", text)
        self.assertNotIn("Read", text)

    def test_what_was_always_like_that_is_no_news(self):
        for day in range(1, 8):
            self.calls(10, tool_name="Build", execution_time_ms=30_000, ago=datetime.timedelta(days=day))
            self.calls(8, tool_name="Read", ago=datetime.timedelta(days=day))
        self.calls(8, tool_name="Build", execution_time_ms=31_000)
        self.calls(24, tool_name="Read")
        self.assertEqual(self.alerts(), [])
        self.calls(1, tool_name="Read")
        self.assertEqual(self.alerts(), [("tool_usage", "Read", "usage_spike", "medium")])
        self.calls(8, tool_name="Build", execution_time_ms=200_000)
        self.assertEqual(self.alerts()[0], ("tool_usage", "Build", "performance_warning", "critical"))

    def test_limits_are_settings(self):
        self.calls(9, tool_name="Bash", execution_time_ms=4000)
        self.calls(1, tool_name="Bash", status="error", execution_time_ms=4000)
        self.assertEqual(self.alerts(), [("tool_usage", "Bash", "high_error_rate", "medium")])
        self.assertEqual(self.alerts(FORTIUM_ALERT_ERROR_RATE=11), [])
        self.assertEqual(self.alerts(FORTIUM_ALERT_ERROR_RATE=0, FORTIUM_ALERT_SLOW_MS=4000),
                         [("tool_usage", "Bash", "performance_warning", "medium")])
        self.assertEqual(self.alerts(FORTIUM_PERFORMANCE_MONITORING="false"), [])
        self.cli("config", "set", "alert_error_rate", "50", code=DONE)
        self.assertEqual(self.alerts(), [])
        done = self.cli("config", "set", "alert_error_rate", "101")
        self.assertNotEqual(done.code, DONE)
        self.assertIn("from 0 to 100", done.err)

    def test_a_client_that_asks_for_warnings_hears_what_others_recorded(self):
        self.calls(10, tool_name="Bash", status="error")
        mcp = self.mcp()
        mcp.initialize()
        mcp.result("logging/setLevel", {"level": "warning"})
        until(lambda: self.said(mcp), "the warning")
        self.assertEqual(self.said(mcp), [{"level": "warning", "logger": "alerts", "data":
                         "tool_usage Bash: high_error_rate, critical: of the last 10 calls, 10 did not succeed"}])
        mcp.end()

    def test_nobody_hears_unasked(self):
        self.calls(10, tool_name="Bash", status="error")
        mcp = self.mcp()
        mcp.initialize()
        mcp.call("get-tool-metrics")
        mcp.end()
        self.assertEqual(self.said(mcp), [])

    @staticmethod
    def said(mcp):
        messages = [json.loads(line) for line in list(mcp.lines)]
        return [one["params"] for one in messages if one.get("method") == "notifications/message"]


if __name__ == "__main__":
    support.main()
