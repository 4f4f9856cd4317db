#!/usr/bin/python3
"""`import` of transcripts: each thing once, however often it runs, whatever happens to it, while sessions go on."""

import json
import os
import sqlite3
import subprocess
import time

import support
from support import DONE, FAILED, USAGE

HOUR = 3600


class Session:
    """The lines of one session, as Claude Code writes them, and what they add up to."""

    def __init__(self, name, start=1_770_000_000):
        self.name = name
        self.second = start
        self.requests = {}
        self.tools = set()

    def _line(self, kind, **more):
        self.second += 1
        when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.second))
        return json.dumps({"parentUuid": None, "isSidechain": False, "type": kind, "uuid": f"{self.name}-{self.second}",
                           "timestamp": when, "sessionId": self.name, "cwd": "/a/secret-folder/project-x",
                           "version": "2.1.330", **more}, separators=(",", ":")) + "\n"

    def turn(self, number, model="claude-sonnet-4-5-20250929"):
        """A prompt, and a message of two blocks, the second of them a tool call with its result."""
        message, tool = f"msg-{self.name}-{number}", f"tool-{self.name}-{number}"
        usage = {"input_tokens": 3, "output_tokens": number, "cache_read_input_tokens": 100,
                 "cache_creation_input_tokens": 20}
        self.requests[message] = number
        self.tools.add(tool)
        answer = lambda block: self._line("assistant", requestId=f"req-{number}", message={
            "id": message, "model": model, "role": "assistant", "content": [block], "stop_reason": "tool_use",
            "usage": usage})
        return [
            self._line("user", promptId=f"prompt-{number}", message={"role": "user", "content": "a secret prompt"}),
            answer({"type": "text", "text": "a secret answer"}),
            answer({"type": "tool_use", "id": tool, "name": "Read", "input": {"file_path": "secret.txt"}}),
            self._line("user", message={"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": tool, "content": "secret contents"}]}),
            json.dumps({"type": "file-history-snapshot", "snapshot": {"secret": [1, {}]}}) + "\n",
        ]


class Import(support.Case):
    def setUp(self):
        super().setUp()
        self.projects = os.path.join(self.home, ".claude", "projects", "-a-project")
        os.makedirs(self.projects)

    def write(self, name, text, how="a"):
        path = os.path.join(self.projects, name + ".jsonl")
        with open(path, how) as file:
            file.write(text)
        return path

    def check(self, *sessions):
        """The store holds exactly what the sessions add up to."""
        with sqlite3.connect(self.database) as db:
            usage = db.execute("SELECT message_id, output_tokens FROM model_usage").fetchall()
            tools = [one for one, in db.execute("SELECT tool_use_id FROM tool_usage")]
        self.assertEqual(sorted(usage), sorted((m, n) for s in sessions for m, n in s.requests.items()))
        self.assertEqual(sorted(tools), sorted(t for s in sessions for t in s.tools))

    def test_a_project_that_opted_out_is_left_out(self):
        project = os.path.join(self.home, "private-work")
        os.makedirs(project)
        open(os.path.join(project, ".fortium-metrics-off"), "w").close()
        other, private = Session("s1"), Session("s2")
        self.write("s1", "".join(other.turn(1)))
        self.write("s2", "".join(private.turn(1)).replace("/a/secret-folder/project-x", project))
        said = self.json("import")
        self.assertEqual((said["imported"], said["skipped"]), ({"model_usage": 1, "tool_usage": 1, "user_session": 1}, []))
        self.check(other)

    def test_once_and_again(self):
        session = Session("s1")
        path = self.write("s1", "".join(line for n in range(1, 40) for line in session.turn(n)))
        said = self.json("import")
        self.assertEqual(said["files"], 1)
        self.assertEqual(said["read_bytes"], os.path.getsize(path))
        self.assertEqual(said["imported"], {"model_usage": 39, "tool_usage": 39, "user_session": 39})  # 38 turns
        self.assertEqual((said["duplicates"], said["skipped"], said["merged"]), (0, [], 39))
        self.check(session)
        again = self.json("import")
        self.assertEqual((again["read_bytes"], again["imported"]), (0, {}))
        self.check(session)
        with open(self.database, "rb") as store:
            everything = store.read()
        self.assertNotIn(b"secret", everything)
        summary = self.json("report", "summary", "--since", "2026-01-01")
        self.assertEqual(summary["totals"]["tokens"]["output"], sum(session.requests.values()))
        self.assertAlmostEqual(summary["totals"]["cost_usd"],
                               sum(3 * 3 + 15 * n + 0.3 * 100 + 3.75 * 20 for n in range(1, 40)) / 1e6)

    def test_a_store_that_forgot_how_far_it_was_counts_nothing_twice(self):
        session = Session("s1")
        self.write("s1", "".join(line for n in range(1, 10) for line in session.turn(n)))
        self.json("import")
        with sqlite3.connect(self.database) as db:
            db.execute("DELETE FROM imported_file")
        said = self.json("import")
        self.assertEqual((said["imported"], said["duplicates"]), ({}, 27))
        self.check(session)

    def test_while_the_file_grows(self):
        session = Session("s1")
        text = "".join(line for n in range(1, 12) for line in session.turn(n))
        for at in range(0, len(text), 997):
            self.write("s1", text[at:at + 997])
            self.json("import")
        self.check(session)
        self.assertEqual(self.json("import")["read_bytes"], 0)

    def test_killed_midway(self):
        """Wherever it is killed, the next run makes it whole."""
        sessions = [Session(f"s{i}") for i in range(12)]
        for session in sessions:
            self.write(session.name, "".join(line for n in range(1, 800) for line in session.turn(n)))
        kills = 0
        for attempt in range(1, 8):
            process = self.start("import", "--json", env=self.env(), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)

            def enough():
                if process.poll() is not None:
                    return True
                try:
                    with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as db:
                        return db.execute("SELECT count(*) FROM tool_usage").fetchone()[0] > attempt * 900
                except sqlite3.Error:
                    return False
            support.until(enough, "some records")
            kills += process.poll() is None
            process.kill()
            process.wait()
        self.assertGreater(kills, 0)
        self.json("import")
        self.check(*sessions)

    def test_a_fork_counts_once(self):
        session, fork = Session("s1"), Session("s2", 1_770_009_000)
        lines = [line for n in range(1, 4) for line in session.turn(n)]
        self.write("s1", "".join(lines))
        own = fork.turn(9)
        self.write("s2", own[0] + "".join(lines).replace('"sessionId":"s1"', '"sessionId":"s2"') + "".join(own[1:]))
        self.json("import")
        self.check(session, fork)
        with sqlite3.connect(self.database) as db:
            whose = dict(db.execute("SELECT message_id, session_id FROM model_usage"))
        self.assertEqual(whose, {"msg-s1-1": "s1", "msg-s1-2": "s1", "msg-s1-3": "s1", "msg-s2-9": "s2"})

    def test_a_replay_in_a_side_chain_does_not_count_also_in_a_later_run(self):
        session = Session("s1")
        lines = session.turn(1)
        self.write("s1", "".join(lines))
        self.json("import")
        os.makedirs(os.path.join(self.projects, "s1", "subagents"))
        replay = lines[1].replace('"req-1"', '"req-other"').replace('"isSidechain":false', '"isSidechain":true')
        self.write("s1/subagents/agent-x", replay)
        self.json("import")
        self.check(session)

    def test_what_was_counted_once_is_explained_and_held_against_the_client_s_own_total(self):
        session, fork = Session("s1"), Session("s2", 1_770_009_000)
        lines = [line for n in range(1, 4) for line in session.turn(n)]

        def total(name, start, tokens, cost):
            return json.dumps({"type": "cost-state", "sessionId": name, "totalCostUSD": cost, "startTime": start,
                               "modelUsage": {"m": {"inputTokens": tokens, "outputTokens": 0}}}) + "\n"
        own = sum(session.requests.values()) + 3 * 123
        self.write("s1", "".join(lines) + total("s1", 1, own + 5, 1.0))
        self.json("import")
        self.write("s2", fork.turn(9)[0] + "".join(lines).replace('"sessionId":"s1"', '"sessionId":"s2"'))
        replay = lines[1].replace('"req-1"', '"req-other"').replace('"isSidechain":false', '"isSidechain":true')
        os.makedirs(os.path.join(self.projects, "s1", "subagents"))
        self.write("s1/subagents/agent-x", replay)
        said = self.json("import", "--explain")
        explained = said["explained"]
        self.assertEqual((said["replays"], explained["files"], explained["lines"]), (1, 3, 33))
        self.assertEqual(explained["merged"], {"blocks": 6, "replays": 1, "copies": 3})
        totals = explained["client_totals"]
        self.assertEqual(totals["tokens"], {"client": own + 5, "recorded": own})
        self.assertEqual([totals[one] for one in ("sessions", "equal", "client_has_more", "client_has_fewer", "forked")],
                         [1, 0, 1, 0, 0])
        self.write("s2", total("s2", 1, own + 9, 1.5))
        again = self.json("import", "--explain")["explained"]
        self.assertEqual((again["client_totals"]["forked"], again["client_totals"]["sessions"]), (2, 0))
        self.assertEqual(again["merged"], explained["merged"])
        self.assertIn("requests told before by another file", self.cli("import", "--explain", code=DONE).out)

    def test_an_hour_and_a_day_later(self):
        """What is open is settled by time: the file's, not ours."""
        session = Session("s1")
        lines = session.turn(1)
        path = self.write("s1", "".join(lines[:3]))
        self.json("import")
        self.assertEqual(self.status()["records"]["by_kind"].get("tool_usage", 0), 0)
        os.utime(path, (time.time() - 25 * HOUR,) * 2)
        self.assertEqual(self.json("import")["imported"], {"tool_usage": 1, "user_session": 2})
        with sqlite3.connect(self.database) as db:
            self.assertEqual(db.execute("SELECT status FROM tool_usage").fetchall(), [("cancelled",)])
        self.assertEqual(self.json("import")["imported"], {})

    def test_dry_run_writes_nothing(self):
        self.write("s1", "".join(Session("s1").turn(1)) + "{broken\n")
        said = self.json("import", "--dry-run")
        self.assertEqual(said["imported"], {"model_usage": 1, "tool_usage": 1, "user_session": 1})
        self.assertEqual([(one["line"], one["file"][-8:]) for one in said["skipped"]], [(6, "s1.jsonl")])
        self.assertFalse(os.path.exists(self.data))
        self.assertIn("would import", self.cli("import", "--dry-run", code=DONE).out)

    def test_switched_off_nothing_is_written(self):
        self.write("s1", "".join(Session("s1").turn(1)))
        self.json("import", DO_NOT_TRACK=1)
        self.assertFalse(os.path.exists(self.database))

    def test_prices_of_the_user_and_models_without_one(self):
        self.write("s1", "".join(Session("s1").turn(1, model="house-model")))
        said = self.json("import", "--dry-run")
        self.assertEqual(said["unpriced"], {"house-model": 1})
        self.assertIn("no price for house-model", self.cli("import", "--dry-run", code=DONE).out)
        os.makedirs(self.data, 0o700)
        with open(os.path.join(self.data, "prices.json"), "w") as file:
            json.dump({"models": [{"model": "house-model", "input": 1e6, "output": 0, "cache_read": 0,
                                   "cache_write_5m": 0, "cache_write_1h": 0, "date": "2026-01-01", "source": "us"}]}, file)
        self.assertEqual(self.json("import")["unpriced"], {})
        with sqlite3.connect(self.database) as db:
            self.assertEqual(db.execute("SELECT cost_usd FROM model_usage").fetchall(), [(3.0,)])
        with open(os.path.join(self.data, "prices.json"), "w") as file:
            file.write('{"models":[{"model":"x"}]}')
        refused = self.cli("import", code=support.CONFIGURATION)
        self.assertIn("/models/0/input", refused.err)

    def test_where_it_looks(self):
        for folder in ("one", "two"):
            path = os.path.join(self.home, folder, "projects", "p")
            os.makedirs(path)
            with open(os.path.join(path, folder + ".jsonl"), "w") as file:
                file.write("".join(Session(folder).turn(1)))
        self.write("s1", "".join(Session("s1").turn(1)))
        both = ",".join(os.path.join(self.home, folder) for folder in ("one", "two"))
        self.assertEqual(self.json("import", CLAUDE_CONFIG_DIR=both)["files"], 2)
        self.assertEqual(self.json("import")["files"], 1)
        self.assertEqual(self.json("import", os.path.join(self.home, "one"))["files"], 0)
        refused = self.cli("import", os.path.join(self.home, "nowhere"), code=FAILED)
        self.assertIn("no such file", refused.err)
        self.cli("import", "--from", "nothing", code=USAGE)

    def test_an_export_comes_back_as_it_was(self):
        self.record(3)
        self.cli("record", "model_usage", "model=m", "input_tokens=1", "output_tokens=2", 'project=a "quoted", name', code=DONE)
        self.cli("record", "command_execution", "command_name=/plan", "execution_time_ms=1.5", "status=success",
                 'command_args={"a":[1,"x,y"]}', code=DONE)
        lossless = self.cli("export", code=DONE).out
        for form in ("jsonl", "csv"):
            path = os.path.join(self.home, "records." + form)
            with open(path, "w", newline="") as file:
                file.write(self.cli("export", "--format", form, code=DONE).out)
            self.assertEqual(self.json("import", path)["duplicates"], 5, form)
            other = os.path.join(self.home, form)
            said = self.json("--data-dir", other, "import", path)
            self.assertEqual(said["imported"], {"command_execution": 1, "model_usage": 1, "tool_usage": 3})
            self.assertEqual(self.cli("--data-dir", other, "export", code=DONE).out, lossless, form)

    def test_bad_rows_are_told(self):
        path = os.path.join(self.home, "some.csv")
        with open(path, "w") as file:
            file.write("kind,id,tool_name,status\ntool_usage,1,Read,success\ntool_usage,,Read,success\n"
                       "tool_usage,2,Read\nwhat,3,Read,success\ntool_usage,4,Read,fine\n")
        said = self.json("import", path)
        self.assertEqual(said["imported"], {"tool_usage": 1})
        self.assertEqual([one["line"] for one in said["skipped"]], [3, 4, 5, 6])


class Legacy(support.Case):
    """What the documented predecessors left, in the shapes of each of their generations."""

    def setUp(self):
        super().setUp()
        self.metrics = os.path.join(self.home, ".agent-os", "metrics")
        self.name = "5a9923bd-4fd5-4c42-8389-6d91ad56a989"
        os.makedirs(os.path.join(self.metrics, "sessions"))

    def write(self, name, *lines):
        with open(os.path.join(self.metrics, name), "a") as file:
            file.writelines((line if isinstance(line, str) else json.dumps(line, separators=(",", ":"))) + "\n"
                            for line in lines)

    def rows(self, sql):
        with sqlite3.connect(self.database) as db:
            return db.execute(sql).fetchall()

    def test_every_shape_once(self):
        when = "2025-11-22T07:41:3"
        hybrid = {"timestamp": when + "4.397Z", "user_id": "u", "session_id": self.name, "tool_name": "Grep",
                  "execution_time_ms": 1, "status": "timeout", "source": "mcp_call"}
        self.write("tool-metrics.jsonl",
                   {"event_type": "tool_execution", "timestamp": when + "1Z", "tool_name": "Edit", "success": True,
                    "execution_time_ms": 77, "session_id": self.name, "file_path": "secret.txt"},
                   {"event_type": "agent_invocation", "timestamp": when + "2Z", "agent_name": "reviewer",
                    "task_description": "a secret", "success": False, "execution_time_ms": 90},
                   {"event_type": "tool", "timestamp": when + "3.123456", "session_id": "default", "tool_name": "Bash",
                    "duration_ms": 5.5, "success": False}, hybrid)
        self.write("session-metrics.jsonl", hybrid)
        queued = {name: hybrid[name] for name in reversed(hybrid)}
        self.write("sync_queue.json", {"queue": [{"id": "1", "data": queued}], "last_updated": when + "5Z"})
        self.write("command-metrics.jsonl",
                   {"event_type": "command", "timestamp": when + "5Z", "session_id": self.name,
                    "command": "/plan-product a secret idea", "duration_ms": 40, "success": True})
        self.write("agent_invocations_2025-09-01.jsonl",
                   *({"agent_name": "tester", "invocation_id": "i1", "start_time": "2025-09-01T10:13:36.500000",
                      "end_time": end, "success": done} for end, done in
                     ((None, None), ("2025-09-01T10:13:37.750000", True))))
        session = {"session_id": self.name, "start_time": when + "0Z"}
        summary = {**session, "end_time": when + "9Z", "productivity_score": 6.8, "metrics": {"commands_executed": 3}}
        self.write(f"sessions/{self.name}_summary.json", summary)
        self.write("session-history.jsonl", summary)
        self.write(f"sessions/{self.name}.jsonl",
                   {"event": "session_start", "timestamp": when + "0Z", "session_id": self.name},
                   {"event": "session_end", "timestamp": when + "9Z", "session_id": self.name, "productivity_score": 6.8})
        self.write(f"sessions/{self.name}.json", session)
        self.write("productivity-indicators.json", '{"session_id": null}')
        self.write("realtime.log", "free text")

        dry = self.json("import", "--from", "legacy", "--dry-run")
        self.assertEqual({os.path.basename(one["file"]): one["why"] for one in dry["skipped"]},
                         {"productivity-indicators.json": "running totals, and no single events",
                          "realtime.log": "free text without a date"})
        self.assertFalse(os.path.exists(self.data))
        said = self.json("import")
        self.assertEqual(said["imported"], {"agent_interaction": 2, "command_execution": 1, "tool_usage": 3,
                                            "user_session": 2})
        again = self.json("import")
        self.assertEqual((again["imported"], again["duplicates"]), ({}, said["duplicates"] + 8))

        self.assertEqual(sorted(self.rows("SELECT tool_name, execution_time_ms, status FROM tool_usage")),
                         [("Bash", 5.5, "error"), ("Edit", None, "success"), ("Grep", 1, "timeout")])
        self.assertEqual(sorted(self.rows("SELECT agent_name, execution_time_ms, status FROM agent_interaction")),
                         [("reviewer", None, "error"), ("tester", 1250, "success")])
        self.assertEqual(self.rows("SELECT command_name, execution_time_ms FROM command_execution"),
                         [("/plan-product", 40)])
        self.assertEqual(sorted(self.rows("SELECT change, productivity_score, commands_executed, total_duration_ms "
                                          "FROM user_session")), [("end", 68, 3, 9000), ("start", None, None, None)])
        with open(self.database, "rb") as store:
            self.assertNotIn(b"secret", store.read())

    def test_lists_of_what_ran(self):
        """The shapes that an earlier migration knew, where it looked for them."""
        for folder in (".claude", "shop/.agent-os"):
            os.makedirs(os.path.join(self.home, folder))
        when = "2025-08-01T10:00:00Z"
        files = {
            ".agent-os/metrics-2025.json": [
                {"timestamp": when, "command": "/plan-product a secret", "duration": 40, "success": False, "agent": "x"},
                {"name": "/build", "time": 7.5, "status": "completed"}, {"nothing": 1}],
            ".claude/command-history.json": {"commands": [{"command_name": "/test", "execution_time_ms": 5,
                                                           "timestamp": when, "status": "error"}]},
            "shop/.agent-os/agent-usage.json": {"metrics": [{"agent": "reviewer", "duration": 9, "timestamp": when}]},
            ".claude/productivity.json": {"name": "/one", "time": 1, "success": True, "timestamp": when},
            ".claude/settings.json": {"name": "secret"},
        }
        for name, content in files.items():
            with open(os.path.join(self.home, name), "w") as file:
                json.dump(content, file)
        os.utime(os.path.join(self.home, ".agent-os/metrics-2025.json"), (1_754_000_000,) * 2)
        shop = {"CLAUDE_PROJECT_DIR": os.path.join(self.home, "shop")}
        dry = self.json("import", "--dry-run", **shop)
        self.assertEqual(dry["imported"], {"agent_interaction": 1, "command_execution": 4})
        self.assertEqual([(os.path.basename(one["file"]), one["why"]) for one in dry["skipped"]],
                         [("metrics-2025.json", "command_name, command and name are missing")])
        self.assertFalse(os.path.exists(self.data))
        self.assertEqual(self.json("import", **shop)["imported"], dry["imported"])
        self.assertEqual(self.json("import", **shop)["imported"], {})
        self.assertEqual(self.rows("SELECT command_name, execution_time_ms, status, timestamp / 1000, context "
                                   "FROM command_execution ORDER BY 1"),
                         [("/build", 7.5, "success", 1_754_000_000, None), ("/one", 1, "success", 1_754_042_400, None),
                          ("/plan-product", 40, "error", 1_754_042_400, '{"agent":"x"}'),
                          ("/test", 5, "error", 1_754_042_400, None)])
        with open(self.database, "rb") as store:
            self.assertNotIn(b"secret", store.read())

    def test_a_queue_that_ends_too_early_is_told(self):
        self.write("sync_queue.json", '{"queue":[{"id":"1"')
        said = self.json("import")
        self.assertEqual(said["imported"], {})
        self.assertIn("not JSON", said["skipped"][0]["why"])


if __name__ == "__main__":
    support.main()
