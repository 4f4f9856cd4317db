#!/usr/bin/python3
"""`fortium-metrics mcp`, spoken to as Claude Code speaks, and as nobody should."""

import json
import os
import random
import signal
import stat
import threading
import time

import support
from support import DONE

CANARY = "canary-7c1f9d2e5b804a36"
ENDS_WITHIN = 1.0  # seconds; 50 ms is the aim, a busy machine gets more
KILLS = int(os.environ.get("FORTIUM_TEST_KILLS", "100"))

# A call of each tool, with the arguments its documentation shows.
EXAMPLES = {
    "record-session-start": {"metadata": {"project_name": "web-app", "project_type": "react", "claude_version": "2.1",
                                          "user_timezone": "Europe/Berlin"}},
    "record-session-update": {"commands_executed": 3, "agents_used": ["frontend-developer"], "productivity_score": 80},
    "record-command-execution": {"command_name": "generate_component", "execution_time_ms": 1200, "status": "success",
                                 "command_args": {"type": "react"}, "context": {"project": "web_app"}},
    "record-tool-usage": {"tool_name": "Read", "execution_time_ms": 45, "status": "success",
                          "context": {"input_size": 120, "output_size": 4096, "complexity_score": 2.5,
                                      "framework": "react", "language": "typescript"}},
    "record-agent-interaction": {"agent_name": "frontend-developer", "interaction_type": "tool_call",
                                 "input_tokens": 300, "output_tokens": 800, "processing_time_ms": 2100,
                                 "success": True, "metadata": {"task": "component_creation"}},
    "record-productivity-metric": {"metric_type": "completion_rate", "value": 8.5, "unit": "tasks_per_hour",
                                   "dimensions": {"complexity": "medium"}},
    "record-model-usage": {"model": "claude-sonnet", "input_tokens": 10, "output_tokens": 20, "cache_read_tokens": 30,
                           "cache_creation_tokens": 40, "cost_usd": 0.0125},
    "collect_metrics": {"command_name": "generate_component", "execution_time_ms": 1500, "success": True,
                        "context": {"agent_used": "frontend-developer", "delegation_pattern": {"depth": 1}}},
    "get-session-metrics": {},
    "get-report": {"question": "tools", "days": 7, "limit": 10},
    "get-tool-metrics": {"tool_name": "Read", "days": 7},
    "query_dashboard": {"timeframe": "24h", "metrics": ["productivity"], "format": "json"},
    "configure_integration": {"notification_settings": {"performance_monitoring": True},
                              "sync_preferences": {"sync_interval": 5000, "batch_size": 20}},
    "migrate_local_metrics": {"preserve_local": True},
    "record-session-end": {"end_metadata": {"completion_reason": "user_ended", "tasks_completed": 5,
                                            "satisfaction_score": 8}},
}


class Session(support.Case):
    def test_a_session_as_claude_code_speaks_it(self):
        mcp = self.mcp(CLAUDE_CODE_SESSION_ID="5e551011", CLAUDE_PROJECT_DIR=self.home)
        probe, hello = mcp.initialize()
        # A client that may speak the newest revision would go on with it; this one was told not to.
        self.assertEqual(probe["result"]["supportedVersions"], ["2026-07-28"])
        self.assertEqual(hello["protocolVersion"], "2025-11-25")
        self.assertEqual(hello["serverInfo"]["name"], "fortium-metrics-server")
        self.assertLessEqual(len(hello.get("instructions", "")), 4096)

        lists = [mcp.message(f"{what}/list") for what in ("tools", "prompts", "resources")]
        mcp.send(*lists)
        tools, prompts, resources = (mcp.wait(one["id"])["result"] for one in lists)
        self.assertEqual([one["name"] for one in prompts["prompts"]],
                         ["analyze-productivity", "standup", "weekly-review", "what-slows-me-down"])
        names = [one["name"] for one in tools["tools"]]
        self.assertEqual(len(set(names)), len(names))
        for tool in tools["tools"]:
            self.assertEqual(tool["inputSchema"]["type"], "object", tool["name"])
            self.assertLessEqual(len(tool["description"]), 4096)
            self.assertLessEqual(len("mcp__fortium-metrics__" + tool["name"]), 128)

        results = {}
        for tool in names:
            self.assertIn(tool, EXAMPLES, "a tool without an example here")
            arguments = dict(EXAMPLES[tool])
            if tool == "record-session-end":
                continue
            if tool == "query_dashboard":
                del arguments["metrics"]
            results[tool] = mcp.call(tool, arguments)
        session = results["record-session-start"]["structuredContent"]["session_id"]
        self.assertEqual(session, "5e551011")
        results["record-session-end"] = mcp.call("record-session-end",
                                                 {"session_id": session, **EXAMPLES["record-session-end"]})
        for tool, result in results.items():
            self.assertFalse(result.get("isError"), f"{tool}: {result}")
            self.assertEqual(result["content"][0]["type"], "text")
            self.assertIsInstance(result["structuredContent"], dict, tool)
            schema = next(one["outputSchema"] for one in tools["tools"] if one["name"] == tool)
            for field in schema.get("required", []):
                self.assertIn(field, result["structuredContent"], tool)

        read = mcp.call("get-tool-metrics", {"tool_name": "Read", "days": 7})["structuredContent"]
        self.assertEqual(read["usage_stats"]["total_executions"], 1)
        self.assertEqual(read["usage_stats"]["success_rate"], 1.0)
        self.assertEqual(read["performance_percentiles"]["p50"], 45)

        for resource in resources["resources"]:
            contents = mcp.result("resources/read", {"uri": resource["uri"]})["contents"]
            self.assertEqual([one["uri"] for one in contents], [resource["uri"]])
            json.loads(contents[0]["text"])
        text = mcp.result("prompts/get", {"name": "analyze-productivity", "arguments": {"user_id": "tester",
                                                                                       "days": "7"}})
        self.assertEqual(text["messages"][0]["role"], "user")
        self.assertEqual(mcp.result("ping"), {})

        code, took = mcp.end(by=signal.SIGINT)
        self.assertEqual(code, 0)
        self.assertLess(took, ENDS_WITHIN)
        mcp.assertClean()
        kinds = {kind: self.store().execute(f"SELECT count(*) FROM {kind}").fetchone()[0] for kind in support.KINDS}
        self.assertEqual(kinds, {"command_execution": 2, "tool_usage": 1, "agent_interaction": 1, "user_session": 3,
                                 "productivity_metric": 1, "model_usage": 1})
        self.assertEqual(self.local_ledger(), self.counted_ledger())

    def test_a_wrong_call_is_told_every_violation_and_stores_nothing(self):
        mcp = self.mcp()
        mcp.initialize()
        result = mcp.call("record-tool-usage", {"execution_time_ms": -5, "status": "bogus"})
        self.assertTrue(result["isError"])
        for word in ("tool_name", "execution_time_ms", "status", "success, error, timeout, cancelled"):
            self.assertIn(word, result["content"][0]["text"])
        unknown = mcp.request("tools/call", {"name": "no-such-tool", "arguments": {}})
        self.assertEqual(unknown["error"]["code"], -32602)
        self.assertEqual(mcp.request("resources/read", {"uri": "metrics://nowhere"})["error"]["code"], -32002)
        self.assertEqual(mcp.request("no/such/method")["error"]["code"], -32601)
        mcp.end()
        mcp.assertClean()
        self.assertEqual(self.status()["records"]["total"], 0)

    def test_calls_in_flight_at_once_are_each_answered_once(self):
        mcp = self.mcp()
        mcp.initialize()
        calls = [mcp.call_message("record-tool-usage", {"tool_name": "Bash", "execution_time_ms": n,
                                                        "status": "success"}) for n in range(500)]
        mcp.send(*calls)
        ids = [support.recorded_id(mcp.wait(one["id"])["result"]) for one in calls]
        self.assertEqual(len(set(ids)), 500)
        self.assertEqual(mcp.end()[0], 0)
        mcp.assertClean()
        self.assertOnce(ids, self.stored_ids())

    def test_the_answer_to_end_of_input_is_complete(self):
        mcp = self.mcp()
        mcp.initialize()
        calls = [mcp.call_message("record-tool-usage", {"tool_name": "Bash", "execution_time_ms": n,
                                                        "status": "success"}) for n in range(200)]
        mcp.send(*calls)
        mcp.close_input()
        self.assertEqual(mcp.wait_end(), 0)
        ids = [support.recorded_id(mcp.wait(one["id"])["result"]) for one in calls]
        self.assertOnce(ids, self.stored_ids())

    def test_the_store_may_be_asked_while_a_session_is_open(self):
        mcp = self.mcp()
        mcp.initialize()
        mcp.record()
        self.assertEqual(self.status()["records"]["by_kind"], {"tool_usage": 1})
        self.assertEqual(mcp.end()[0], 0)


class Size(support.Case):
    def test_answers_stay_below_what_a_client_shows_whatever_names_are_like(self):
        mcp = self.mcp(CLAUDE_CODE_SESSION_ID="5e551011", CLAUDE_PROJECT_DIR=self.home)
        mcp.initialize()
        long = "\N{SNOWMAN}\"" * 120
        for i in range(150):
            done = {"execution_time_ms": i, "status": "error", "project": f"{long[:100]}{i}"}
            for tool, record in (("record-tool-usage", {"tool_name": f"{long}{i}", **done}),
                                 ("record-command-execution", {"command_name": f"{long}{i}", **done}),
                                 ("record-agent-interaction", {"agent_name": f"{long}{i}", "interaction_type": "call",
                                                               **done}),
                                 ("record-model-usage", {"model": f"{long[:80]}{i}", "input_tokens": i,
                                                         "output_tokens": i})):
                result = mcp.call(tool, record)
                self.assertFalse(result.get("isError"), result["content"][0]["text"])
        asked = [("get-session-metrics", {}), ("get-tool-metrics", {"days": 90})]
        asked += [("query_dashboard", {"timeframe": "30d", "format": form}) for form in ("json", "ascii", "markdown")]
        asked += [("get-report", {"question": question, "days": 1100, **more})
                  for question in ("summary", "sessions", "tools", "commands", "agents", "models", "projects", "errors",
                                   "days", "hours")
                  for more in ({}, {"limit": 100}, {"source": "mcp"})]
        asked += [("get-report", {"question": "year", "days": 366})]
        for tool, arguments in asked:
            with self.subTest(tool=tool, **arguments):
                result = mcp.call(tool, arguments)
                self.assertFalse(result.get("isError"), result["content"][0]["text"][:300])
                self.assertLess(len(result["content"][0]["text"].encode()), 40_000)
                self.assertLess(len(json.dumps(result["structuredContent"], ensure_ascii=False).encode()), 44_000)
        result = mcp.call("get-report", {"question": "year", "days": 1100})
        self.assertIn("ask for fewer days", result["content"][0]["text"])
        tools = mcp.call("get-tool-metrics", {"days": 90})["structuredContent"]
        self.assertGreater(len(tools["tools"]), 10)
        self.assertEqual(len(tools["tools"]) + tools["left_out"], 150)


class Migration(support.Case):
    SECRET = "token-that-an-old-hook-wrote"

    def test_metrics_of_older_hooks_come_in_once(self):
        folder = os.path.join(self.home, ".agent-os", "metrics")
        os.makedirs(folder)
        lines = [{"event_type": "tool_execution", "timestamp": f"2026-01-02T03:04:{n:02}Z", "tool_name": "Bash",
                  "success": n % 2 == 0, "execution_time_ms": n, "user": "alice", "session_id": "old-session",
                  "command": f"deploy --password {self.SECRET}", "auth_token": self.SECRET} for n in range(10)]
        with open(os.path.join(folder, "tool-metrics.jsonl"), "w") as file:
            for line in lines:
                file.write(json.dumps(line) + "\n")
            file.write('{"event_type":"tool_exec')  # a hook was killed here
        mcp = self.mcp()
        mcp.initialize()
        tried = mcp.call("migrate_local_metrics", {"dry_run": True})["structuredContent"]
        self.assertIn("10", tried["message"])
        self.assertEqual(self.status()["records"]["total"], 0)
        first = mcp.call("migrate_local_metrics", {"preserve_local": True})["structuredContent"]
        self.assertEqual((first["metrics_migrated"], first["duplicates"]), (10, 0))
        again = mcp.call("migrate_local_metrics", {"preserve_local": True})["structuredContent"]
        self.assertEqual((again["metrics_migrated"], again["duplicates"]), (0, 10))
        mcp.end()
        mcp.assertClean()
        self.assertEqual(self.status()["records"]["by_kind"], {"tool_usage": 10})
        for path, content in self.every_file():
            if not path.startswith(folder):
                self.assertNotIn(self.SECRET.encode(), content, path)

    def test_it_reads_nothing_but_the_documented_folders(self):
        elsewhere = os.path.join(self.top, "elsewhere")
        os.makedirs(elsewhere)
        with open(os.path.join(elsewhere, "tool-metrics.jsonl"), "w") as file:
            file.write('{"event_type":"tool_execution","timestamp":"2026-01-02T03:04:05Z","tool_name":"x",'
                       '"success":true,"execution_time_ms":1}\n')
        mcp = self.mcp()
        mcp.initialize()
        for path in (elsewhere, "/etc", "../elsewhere", os.path.join(self.home, ".agent-os/metrics/../../../elsewhere")):
            mcp.call("migrate_local_metrics", {"local_config_path": path})
        mcp.end()
        mcp.assertClean()
        self.assertEqual(self.status()["records"]["total"], 0)


class Secrets(support.Case):
    def test_values_of_the_environment_never_come_out(self):
        variables = {"FORTIUM_API_KEY": f"fm_{CANARY}", "FOO_TOKEN": CANARY, "ANTHROPIC_API_KEY": CANARY,
                     "CLAUDE_CODE_MESSAGING_TOKEN": CANARY, "FORTIUM_DEBUG": "true", "FORTIUM_SYNC_INTERVAL": "50",
                     "FORTIUM_RETRY_ATTEMPTS": "0",
                     "FORTIUM_METRICS_URL": "http://127.0.0.1:9", "FORTIUM_ORG_ID": "acme"}
        mcp = self.mcp(**variables)
        mcp.initialize()
        for tool, arguments in EXAMPLES.items():
            if tool != "record-session-end":
                mcp.call(tool, arguments)
        for resource in mcp.result("resources/list")["resources"]:
            mcp.result("resources/read", {"uri": resource["uri"]})
        support.until(lambda: self.status(**variables)["sync"]["last_error"], "the background has tried to send")
        mcp.end()
        said = b"\n".join(mcp.lines) + mcp.errors
        for args in (["config", "show"], ["config", "show", "--json"], ["config", "get", "api_key"], ["status"],
                     ["status", "--json"], ["sync"], ["test-connection"], ["test-connection", "--json"],
                     ["queue", "list", "--json"], ["report"], ["record", "tool_usage", "x=1"]):
            done = self.cli(*args, **variables)
            said += done.out.encode() + done.err.encode()
        self.assertNotIn(CANARY.encode(), said)
        names = []
        for path, content in self.every_file():
            names.append(os.path.basename(path))
            self.assertNotIn(CANARY.encode(), content, path)
        self.assertIn("fortium-metrics.log", names)  # so the log was looked at

    def test_files_belong_to_the_person_alone(self):
        old = os.umask(0)
        try:
            mcp = self.mcp(FORTIUM_DEBUG="true")
        finally:
            os.umask(old)
        mcp.initialize()
        mcp.record()
        mcp.call("configure_integration", {"sync_preferences": {"batch_size": 10}})
        mcp.end()
        seen = []
        for folder, folders, names in os.walk(self.home):
            for name in folders + names:
                path = os.path.join(folder, name)
                mode = stat.S_IMODE(os.lstat(path).st_mode)
                self.assertEqual(oct(mode), oct(0o700 if name in folders else 0o600), path)
                seen.append(name)
        for name in ("metrics.db", "metrics.db-wal", "metrics.db.lock", "config.toml", "fortium-metrics.log"):
            self.assertIn(name, seen)


class Ends(support.Case):
    def assertEnds(self, by):
        mcp = self.mcp()
        mcp.initialize()
        calls = [mcp.call_message("record-tool-usage", {"tool_name": "Edit", "execution_time_ms": n,
                                                        "status": "success"}) for n in range(20)]
        mcp.send(*calls)
        for one in calls:
            mcp.wait(one["id"])
        code, took = mcp.end(by)
        self.assertEqual(code, 0)
        self.assertLess(took, ENDS_WITHIN)
        mcp.assertClean()
        self.assertEqual(len(mcp.acknowledged()), 20)
        self.assertOnce(mcp.acknowledged(), self.stored_ids())
        return took

    def test_end_of_input(self):
        self.assertEnds(None)

    def test_interrupt(self):
        self.assertEnds(signal.SIGINT)

    def test_terminate(self):
        self.assertEnds(signal.SIGTERM)

    def test_hang_up(self):
        self.assertEnds(signal.SIGHUP)

    def test_the_documented_sequence_of_signals(self):
        # Interrupt, 100 ms, terminate, 400 ms, kill: it must be over before the first of them is repeated.
        mcp = self.mcp()
        mcp.initialize()
        mcp.record()
        mcp.process.send_signal(signal.SIGINT)
        mcp.process.send_signal(signal.SIGTERM)
        self.assertEqual(mcp.wait_end(ENDS_WITHIN), 0)

    def test_a_signal_before_anything_was_said(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            mcp = self.mcp()
            mcp.request("ping", id="up")  # the handlers are there
            self.assertEqual(mcp.end(number)[0], 0)

    def test_a_signal_while_the_peer_does_not_read(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            mcp = support.Mcp(self, (), self.env(), reading=False)
            self.ends_with(mcp.kill)
            mcp.send(mcp.message("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                                "clientInfo": {"name": "deaf", "version": "1"}}))
            # Questions with long answers, until the program cannot write any more.
            mcp._in.setblocking(False)
            line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode() + b"\n"
            full_since = None
            end = time.monotonic() + support.DEADLINE
            while time.monotonic() < end:
                try:
                    mcp._in.send(line * 100)
                    full_since = None
                except BlockingIOError:
                    if asleep(mcp.pid):
                        full_since = full_since or time.monotonic()
                        if time.monotonic() - full_since > 0.1:
                            break
                time.sleep(0.001)
            self.assertIsNotNone(full_since, "the program never had to wait for its peer")
            start = time.monotonic()
            mcp.process.send_signal(number)
            self.assertEqual(mcp.process.wait(support.DEADLINE), 0)
            self.assertLess(time.monotonic() - start, ENDS_WITHIN)

    def test_a_peer_that_goes_away_while_answers_are_on_their_way(self):
        mcp = support.Mcp(self, (), self.env(), reading=False)
        self.ends_with(mcp.kill)
        mcp.send(mcp.message("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                            "clientInfo": {"name": "rude", "version": "1"}}))
        mcp.raw((json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}) + "\n").encode() * 200)
        mcp._out.close()
        self.assertEqual(mcp.process.wait(support.DEADLINE), 0)

    def assertEndsInFlight(self, by):
        peer = support.Peer(self)
        peer.batch(support.Silent())
        mcp = self.mcp(**peer.settings(FORTIUM_SYNC_INTERVAL=50))
        mcp.initialize()
        acknowledged = [mcp.record()]
        support.until(peer.posts, "a request is in flight")
        code, took = mcp.end(by)
        self.assertEqual(code, 0)
        self.assertLess(took, ENDS_WITHIN)
        self.assertOnce(acknowledged, self.stored_ids())
        self.assertEqual(self.status(**peer.settings())["queue"]["pending"], 1)

    def test_a_signal_while_the_service_does_not_answer(self):
        self.assertEndsInFlight(signal.SIGINT)

    def test_the_end_of_input_while_the_service_does_not_answer(self):
        self.assertEndsInFlight(None)


def asleep(pid):
    """Whether a process waits for something, as the kernel sees it."""
    with open(f"/proc/{pid}/stat") as text:
        return text.read().rsplit(")", 1)[1].split()[0] == "S"


class Hostile(support.Case):
    def setUp(self):
        super().setUp()
        self.session = self.mcp()
        self.session.initialize()

    def assertAlive(self):
        self.assertEqual(self.session.result("ping"), {})
        self.session.record()

    def answers_without_id(self):
        return [one for one in map(json.loads, self.session.lines) if one.get("id") is None and "error" in one]

    def test_a_line_of_64_mib(self):
        before = support.high_water(self.session.pid)
        block = b"x" * (1 << 20)
        self.session.raw(b'{"jsonrpc":"2.0","id":77,"method":"ping","params":{"x":"')
        for _ in range(64):
            self.session.raw(block)
        self.session.raw(b'"}}\n')
        self.assertAlive()
        [told] = self.answers_without_id()
        self.assertEqual(told["error"]["code"], -32600)
        grown = support.high_water(self.session.pid) - before
        self.assertLess(grown, 24 << 20, "memory follows the peer")
        self.session.assertClean()

    def test_one_byte_at_a_time(self):
        for byte in json.dumps({"jsonrpc": "2.0", "id": "slow", "method": "ping"}).encode() + b"\n":
            self.session.raw(bytes([byte]))
        self.assertEqual(self.session.wait("slow")["result"], {})

    def test_nesting_of_100_000(self):
        for text in (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000,
                     b'{"jsonrpc":"2.0","id":5,"method":"ping","params":' + b'{"a":' * 100_000 + b"1" +
                     b"}" * 100_000 + b"}"):
            self.session.raw(text + b"\n")
            self.assertAlive()
        self.assertEqual([one["error"]["code"] for one in self.answers_without_id()], [-32700] * 4)

    def test_bytes_that_are_no_json(self):
        noise = random.Random(1)
        for _ in range(200):
            data = bytes(noise.randrange(256) for _ in range(noise.randrange(1, 400)))
            self.session.raw(data.replace(b"\n", b"") + b"\n")
        self.session.raw(b"\xff\xfe\x00\n\r\n   \n{}\n[]\nnull\n1\n\"\"\n")
        self.session.raw(b'{"jsonrpc":"2.0","id":1.5e400,"method":"ping"}\n')
        self.session.raw(b'{"jsonrpc":"2.0","id":{},"method":"ping"}\n{"jsonrpc":"2.0","id":[],"method":[]}\n')
        self.assertAlive()
        self.session.end()
        self.session.assertClean()

    def test_a_client_that_reads_late_gets_every_answer(self):
        mcp = support.Mcp(self, (), self.env(), reading=False)
        self.ends_with(mcp.kill)
        mcp.send(mcp.message("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                            "clientInfo": {"name": "late", "version": "1"}}))
        mcp._in.setblocking(False)
        sent, left = 0, b""
        full_since = None
        while full_since is None or time.monotonic() - full_since < 0.3:
            if not left:
                sent += 1
                left = json.dumps({"jsonrpc": "2.0", "id": f"late-{sent}", "method": "tools/list"}).encode() + b"\n"
            try:
                left = left[mcp._in.send(left):]
                full_since = None
            except BlockingIOError:
                full_since = full_since or time.monotonic()
                time.sleep(0.001)
        self.assertGreater(sent, 100)
        self.assertLess(support.high_water(mcp.pid), 48 << 20, "memory follows the peer")
        reader = threading.Thread(target=mcp._read_answers, daemon=True)
        reader.start()
        mcp._in.setblocking(True)
        mcp.raw(left)
        mcp.close_input()
        self.assertEqual(mcp.process.wait(support.DEADLINE), 0)
        reader.join()
        for n in range(1, sent + 1):
            self.assertIn("result", mcp.wait(f"late-{n}"))
        mcp.assertClean()

    def test_text_of_any_script_comes_back_as_it_was(self):
        for name in ("Größe", "工具", "🧰🔧", "tab-less \u200b", "\u202eright to left", "a" * 255):
            result = self.session.call("record-tool-usage", {"tool_name": name, "execution_time_ms": 1,
                                                             "status": "success"})
            self.assertFalse(result["isError"], result)
            told = self.session.call("get-tool-metrics", {"tool_name": name})
            self.assertEqual(told["structuredContent"]["tool_name"], name)
            self.assertEqual(told["structuredContent"]["usage_stats"]["total_executions"], 1)
        for name in ("a" * 256, "", "with\nline", "nul\0"):
            result = self.session.call("record-tool-usage", {"tool_name": name, "execution_time_ms": 1,
                                                             "status": "success"})
            self.assertTrue(result["isError"], name)


def said(mcp, method):
    """The parameters of what the server said by itself, in its order."""
    return [one["params"] for one in map(json.loads, list(mcp.lines)) if isinstance(one, dict) and
            one.get("method") == method]


def alone(**params):
    """Parameters of a request that stands alone, as 2026-07-28 has it."""
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"}, **params.pop("_meta", {})}
    return {**params, "_meta": meta}


class Stateless(support.Case):
    def test_a_client_of_the_newest_revision(self):
        mcp = self.mcp()
        found = mcp.result("server/discover", alone())
        self.assertEqual(found["supportedVersions"], ["2026-07-28"])
        mcp.send(mcp.message("subscriptions/listen", alone(notifications={
            "toolsListChanged": True, "resourceSubscriptions": ["fortium://metrics/tools/local"]}), id="listen:0"))
        lists = [mcp.message(f"{what}/list", alone()) for what in ("tools", "prompts", "resources")]
        mcp.send(*lists)
        for one in lists:
            result = mcp.wait(one["id"])["result"]
            self.assertEqual(result["resultType"], "complete")
            self.assertGreater(result["ttlMs"], 0)
        calls = [mcp.message("tools/call", alone(name="record-tool-usage", arguments={
            "tool_name": "Bash", "execution_time_ms": n, "status": "success"})) for n in range(100)]
        mcp.send(*calls)
        ids = [support.recorded_id(mcp.wait(one["id"])["result"]) for one in calls]
        support.until(lambda: said(mcp, "notifications/resources/updated"), "the change is heard")
        [honored] = said(mcp, "notifications/subscriptions/acknowledged")
        self.assertEqual(honored["notifications"], {"resourceSubscriptions": ["fortium://metrics/tools/local"]})
        for one in (honored, said(mcp, "notifications/resources/updated")[0]):
            self.assertEqual(one["_meta"]["io.modelcontextprotocol/subscriptionId"], "listen:0")
        mcp.close_input()
        self.assertEqual(mcp.wait_end(), 0)
        ended = mcp.wait("listen:0")["result"]
        self.assertEqual(ended["_meta"]["io.modelcontextprotocol/subscriptionId"], "listen:0")
        mcp.assertClean()
        self.assertOnce(ids, self.stored_ids())

    def test_both_eras_on_one_connection(self):
        mcp = self.mcp()
        mcp.initialize("2025-03-26")
        older = [mcp.message("tools/list") for _ in range(20)]
        newer = [mcp.message("tools/list", alone()) for _ in range(20)]
        mcp.send(*[one for pair in zip(older, newer) for one in pair])
        for one in older:
            self.assertNotIn("resultType", mcp.wait(one["id"])["result"])
        for one in newer:
            self.assertEqual(mcp.wait(one["id"])["result"]["resultType"], "complete")
        self.assertEqual(mcp.end()[0], 0)
        mcp.assertClean()


class Unasked(support.Case):
    def test_a_change_by_another_process_is_heard(self):
        mcp = self.mcp()
        mcp.initialize()
        mcp.record(tool_name="Bash")
        mcp.result("resources/subscribe", {"uri": "fortium://metrics/tools/local"})
        mcp.result("resources/subscribe", {"uri": "metrics://agents/usage"})
        lines = "".join(json.dumps({"kind": "tool_usage", "tool_name": "Read", "execution_time_ms": n,
                                    "status": "success"}) + "\n" for n in range(50))
        self.assertEqual(self.cli("record", "--input", "-", input=lines).code, 0)
        support.until(lambda: said(mcp, "notifications/resources/updated"), "the change is heard")
        self.assertEqual({one["uri"] for one in said(mcp, "notifications/resources/updated")},
                         {"fortium://metrics/tools/local"})
        read = mcp.result("resources/read", {"uri": "fortium://metrics/tool/Read"})["contents"][0]["text"]
        self.assertEqual(json.loads(read)["usage_stats"]["total_executions"], 50)
        self.assertEqual(mcp.end()[0], 0)
        mcp.assertClean()

    def test_who_listens_to_the_log_hears_of_trouble_with_the_service(self):
        mcp = self.mcp(FORTIUM_API_KEY=f"fm_{CANARY}", FORTIUM_METRICS_URL="http://127.0.0.1:9",
                       FORTIUM_ORG_ID="acme", FORTIUM_SYNC_INTERVAL="50")
        mcp.initialize()
        mcp.result("logging/setLevel", {"level": "warning"})
        mcp.record()
        support.until(lambda: said(mcp, "notifications/message"), "the trouble is told")
        told = said(mcp, "notifications/message")[0]
        self.assertEqual((told["level"], told["logger"]), ("warning", "sync"))
        self.assertNotIn(CANARY.encode(), b"".join(mcp.lines))
        self.assertEqual(mcp.end()[0], 0)

    def test_the_project_is_asked_for_where_nobody_told_it(self):
        mcp = self.mcp()
        mcp.initialize()
        asked = support.until(lambda: [one for one in map(json.loads, list(mcp.lines)) if one.get("method") == "roots/list"],
                              "roots are asked for")
        mcp.raw(json.dumps({"jsonrpc": "2.0", "id": asked[0]["id"],
                            "result": {"roots": [{"uri": "file:///private/place/shop"}]}}).encode() + b"\n")
        mcp.record()
        self.assertEqual(mcp.end()[0], 0)
        self.assertEqual(self.store().execute("SELECT project FROM tool_usage").fetchall(), [("shop",)])


class LongCalls(support.Case):
    LINES = int(os.environ.get("FORTIUM_TEST_LINES", "60000"))

    def setUp(self):
        super().setUp()
        folder = os.path.join(self.home, ".agent-os", "metrics")
        os.makedirs(folder)
        with open(os.path.join(folder, "tool-metrics.jsonl"), "w") as file:
            for n in range(self.LINES):
                file.write('{"event_type":"tool_execution","timestamp":"2026-01-02T03:04:05Z","tool_name":"Bash",'
                           '"success":true,"execution_time_ms":%d,"session_id":"old"}\n' % n)
        self.session = self.mcp()
        self.session.initialize()

    def begin(self):
        call = self.session.call_message("migrate_local_metrics", {})
        self.session.send(call)
        support.until(lambda: said(self.session, "notifications/progress"), "it has begun")
        return call["id"]

    def test_progress_leaves_and_a_ping_is_answered_while_a_tool_works(self):
        call = self.begin()
        self.assertEqual(self.session.result("ping"), {})
        done = self.session.wait(call)["result"]["structuredContent"]
        self.assertEqual(done["metrics_migrated"], self.LINES)
        self.assertLess(support.high_water(self.session.pid), 64 << 20, "memory follows the file")
        self.session.end()
        self.session.assertClean()
        order = [json.loads(line) for line in self.session.lines]
        answered = next(i for i, one in enumerate(order) if one.get("id") == call and "result" in one)
        pinged = next(i for i, one in enumerate(order) if one.get("result") == {})
        self.assertLess(pinged, answered)
        steps = [one["progress"] for one in said(self.session, "notifications/progress")]
        self.assertGreater(len(steps), 1)
        self.assertEqual(steps, sorted(set(steps)))
        self.assertTrue(all("progressToken" not in one.get("params", {}) for one in order[answered:]))

    def test_a_cancelled_tool_stops_and_is_not_answered(self):
        call = self.begin()
        self.session.send({"method": "notifications/cancelled", "params": {"requestId": call, "reason": "user"}})
        later = [self.session.message("ping") for _ in range(3)]
        self.session.send(*later)
        for one in later:
            self.session.wait(one["id"])
        counted = self.status()["records"]["total"]
        self.assertLess(counted, self.LINES)
        again = self.session.call("migrate_local_metrics", {})["structuredContent"]
        self.assertEqual((again["metrics_migrated"], again["duplicates"]), (self.LINES - counted, counted))
        self.session.end()
        self.assertFalse([one for one in map(json.loads, self.session.lines) if one.get("id") == call])
        self.assertEqual(self.status()["records"]["total"], self.LINES)

    def test_a_signal_ends_it_at_once(self):
        self.begin()
        code, took = self.session.end(signal.SIGTERM)
        self.assertEqual(code, 0)
        self.assertLess(took, ENDS_WITHIN)
        self.assertEqual(self.local_ledger(), self.counted_ledger())


class Kills(support.Case):
    def test_what_was_acknowledged_survives_every_kill(self):
        """Kills the program at random points; every id it ever acknowledged is in the store exactly once."""
        chance = random.Random(os.environ.get("FORTIUM_TEST_SEED", "20260102"))
        acknowledged, killed_busy = [], 0
        for round in range(KILLS):
            mcp = self.mcp(CLAUDE_CODE_SESSION_ID=f"session-{round % 5}")
            mcp.send(mcp.message("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                                "clientInfo": {"name": "killer", "version": "1"}}))
            stop = threading.Event()

            def talk():
                number = 0
                while not stop.is_set():
                    group = [mcp.call_message("record-tool-usage", {"tool_name": f"T{number % 3}", "status": "success",
                                                                    "execution_time_ms": number})
                             for _ in range(chance.randrange(1, 30))]
                    number += 1
                    try:
                        mcp.send(*group)
                    except OSError:
                        return

            talker = threading.Thread(target=talk)
            talker.start()
            try:
                # Some are killed while they start, most after some answers.
                wanted = chance.choice([0, 0, 1, 3, 10, 40, 120])
                support.until(lambda: len(mcp.lines) > wanted, "answers")
                mcp.process.kill()
            finally:
                stop.set()
                mcp.wait_end()
                mcp._in.close()
                talker.join()
            ids = mcp.acknowledged()
            killed_busy += bool(ids)
            acknowledged += ids
        self.assertGreater(killed_busy, KILLS // 2)
        self.assertEqual(len(set(acknowledged)), len(acknowledged))

        waiting = self.status()
        self.assertTrue(waiting["store"]["ok"])
        stored = self.stored_ids()
        self.assertOnce(acknowledged, stored)
        self.assertEqual(waiting["records"]["total"], len(stored))
        self.assertEqual(self.local_ledger(), self.counted_ledger())
        connection = self.store()
        for session, count, first, last in connection.execute(
                "SELECT session_id, count(DISTINCT seq), min(seq), max(seq) FROM tool_usage GROUP BY session_id"):
            self.assertEqual((first, last), (1, count), f"{session}: seq has gaps")
        summary = self.json("report", "summary")
        self.assertEqual(summary["totals"]["tools"], len(stored))


if __name__ == "__main__":
    support.main()
