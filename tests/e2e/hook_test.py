#!/usr/bin/python3
"""`fortium-metrics hook`: what Claude Code tells it is recorded once, and nothing that goes wrong is Claude Code's business."""

import collections
import json
import os
import resource
import shutil
import signal
import subprocess
import threading

import support
from support import DONE

SESSION = "08d94056-b607-48de-927a-93e87c92fc09"
PROMPT = "efb25d18-22c6-4b23-a6fb-41e3409349b6"
SECRET = "hunter2-typed-by-a-person"  # stands wherever a person or a model types; must never be found afterwards
MEMORY = 64 << 20  # bytes of address space beyond the program itself; an event of 50 MB would not fit into it twice


def event(name, session=SESSION, **fields):
    """One event, as Claude Code writes it: one compact line."""
    common = {"session_id": session, "transcript_path": f"/t/{SECRET}.jsonl", "cwd": f"/w/{SECRET}/shop",
              "prompt_id": PROMPT, "permission_mode": "default", "hook_event_name": name}
    return json.dumps({**common, **fields}, separators=(",", ":")) + "\n"


def tool(name, tool_name, use, session=SESSION, **fields):
    return event(name, session, tool_name=tool_name, tool_input=fields.pop("tool_input", {"command": f"echo {SECRET}"}),
                 tool_use_id=use, **fields)


def whole_session():
    """A session as it is lived: a command, tools that succeed, fail and are given up, a subagent, a skill, a goodbye."""
    agent = {"agent_id": "a1", "agent_type": "general-purpose"}
    return [
        event("SessionStart", source="startup", prompt_id=None),
        event("UserPromptSubmit", prompt=f"/plan-product {SECRET}"),
        tool("PreToolUse", "Bash", "t1"),
        tool("PostToolUse", "Bash", "t1", tool_response={"stdout": SECRET}, duration_ms=256),
        tool("PreToolUse", "Read", "t2", tool_input={"file_path": f"/w/{SECRET}.py"}),
        tool("PostToolUseFailure", "Read", "t2", error=f"no {SECRET}", is_interrupt=False, duration_ms=3),
        tool("PreToolUse", "Write", "t3", tool_input={"file_path": f"/w/{SECRET}.py", "content": SECRET}),
        event("PermissionRequest", tool_name="Write", tool_input={"content": SECRET}),
        event("SubagentStart", **agent),
        tool("PreToolUse", "Bash", "t4", **agent),
        tool("PostToolUse", "Bash", "t4", tool_response={"stdout": SECRET}, duration_ms=14, **agent),
        event("SubagentStop", last_assistant_message=SECRET, **agent),
        tool("PostToolUse", "Skill", "t5", tool_input={"skill": "review", "args": SECRET}, duration_ms=9),
        event("Notification", message=SECRET),
        event("Stop", last_assistant_message=SECRET),
        event("SessionEnd", reason="other"),
    ]


class Hook(support.Case):
    def hook(self, text, **how):
        """Whatever is said to it: exit code 0, and not a byte on either output."""
        done = self.cli("hook", input=text, code=DONE, **how)
        self.assertEqual((done.out, done.err), ("", ""))

    def start_hook(self, text, env=None):
        process = self.start("hook", env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def feed():
            process.stdin.write(text.encode())
            process.stdin.close()
        threading.Thread(target=feed).start()
        return process

    def records(self, *args, **variables):
        return [json.loads(line) for line in self.cli("export", *args, code=DONE, **variables).out.splitlines()]

    def count(self):
        return collections.Counter(
            (record["kind"], record.get("tool_name") or record.get("command_name") or record.get("agent_name")
             or record["context"].get("event") or record["change"], record.get("status"))
            for record in map(lambda one: {"context": {}, **one}, self.records()))

    def assertUntyped(self):
        for path, content in self.every_file():
            self.assertNotIn(SECRET.encode(), content, path)

    WHOLE = {
        ("user_session", "start", "active"): 1,
        ("user_session", "turn", None): 1,
        ("user_session", "end", "completed"): 1,
        ("command_execution", "/plan-product", "success"): 1,
        ("command_execution", "/review", "success"): 1,
        ("tool_usage", "Bash", "success"): 2,
        ("tool_usage", "Read", "error"): 1,
        ("tool_usage", "Write", "cancelled"): 1,
        ("tool_usage", "Skill", "success"): 1,
        ("agent_interaction", "general-purpose", "success"): 1,
    }


class Recording(Hook):
    def test_a_session_is_recorded_whole_and_nothing_that_was_typed(self):
        for one in whole_session():
            self.hook(one)
        self.assertEqual(self.count(), self.WHOLE)
        for record in self.records():
            self.assertEqual((record["source"], record["session_id"], record["project"]), ("hook", SESSION, "shop"))
        self.assertUntyped()
        self.assertEqual(self.local_ledger(), self.counted_ledger())
        self.assertEqual(self.store().execute("SELECT count(*) FROM open_call WHERE state <> 'ended'").fetchone(), (0,))
        totals = self.json("report", "summary")["totals"]
        self.assertEqual((totals["sessions"], totals["tools"], totals["commands"], totals["agents"]), (1, 5, 2, 1))

    def test_each_event_is_durable_when_the_program_has_ended(self):
        kept = 0
        for number, one in enumerate(whole_session()):
            self.hook(one)
            # What lies on the disk by now is all there is: seen from another directory.
            data = os.path.join(self.top, f"then-{number}")
            shutil.copytree(self.data, data)
            now = len(self.records(FORTIUM_DATA_DIR=data))
            if '"PostToolUse' in one:
                self.assertGreater(now, kept)
            kept = now

    def test_two_installations_count_once(self):
        for one in whole_session():
            pair = [self.start_hook(one) for _ in range(2)]
            for process in pair:
                self.assertEqual((process.wait(), process.stdout.read(), process.stderr.read()), (0, b"", b""))
        self.assertEqual(self.count(), self.WHOLE)
        end = [record for record in self.records() if record.get("change") == "end"]
        self.assertEqual(end[0]["context"]["events"]["Notification"], 1)

    def test_fifty_at_once_lose_none(self):
        hooks = [self.start_hook(tool("PostToolUse", "Bash", f"t{n}", duration_ms=n)) for n in range(50)]
        for process in hooks:
            self.assertEqual((process.wait(), process.stdout.read(), process.stderr.read()), (0, b"", b""))
        self.status()  # merges what went to the spool
        found = sorted(record["tool_use_id"] for record in self.records())
        self.assertEqual(found, sorted(f"t{n}" for n in range(50)))

    def test_an_event_of_fifty_megabytes_is_small_in_memory_and_on_disk(self):
        large = SECRET + " x" * (25 << 20)
        text = tool("PostToolUse", "Read", "t1", tool_response={"file": large, "again": [{"content": "y" * 100_000}] * 20},
                    duration_ms=5)

        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        how = {} if "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ else {"preexec_fn": limit}
        process = self.start("hook", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
        self.assertEqual(process.communicate(text.encode(), support.DEADLINE), (b"", b""))
        self.assertEqual(process.returncode, 0)
        record, = self.records()
        self.assertGreater(record["context"]["output_bytes"], 50 << 20)
        self.assertUntyped()
        self.assertLess(sum(len(content) for _, content in self.every_file()), 2 << 20)

    def test_a_session_whose_process_is_gone_is_closed_when_another_starts(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.hook(event("SessionStart", "s1", source="startup"), CLAUDE_PID=gone.pid)
        self.hook(tool("PreToolUse", "Bash", "t1", "s1"), CLAUDE_PID=gone.pid)
        self.hook(event("SessionStart", "s2", source="startup"), CLAUDE_PID=os.getpid())
        self.hook(event("SessionStart", "s3", source="startup"), CLAUDE_PID=os.getpid())
        self.assertEqual(self.ends(), [("s1", "abandoned")])
        self.assertEqual(self.count()["tool_usage", "Bash", "cancelled"], 1)
        self.assertEqual({record["project"] for record in self.records()}, {"shop"})

    def leave_without_a_word(self, session="s1"):
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.hook(event("SessionStart", session, source="startup"), CLAUDE_PID=gone.pid)

    def ends(self):
        return [(one["session_id"], one["status"]) for one in self.records() if one.get("change") == "end"]

    def test_the_server_closes_it_too_and_so_does_import(self):
        self.leave_without_a_word("s1")
        session = self.mcp()
        session.initialize()
        support.until(lambda: self.ends() == [("s1", "abandoned")], "the end of the session")
        session.close_input()
        session.wait_end()
        self.leave_without_a_word("s2")
        self.json("import")
        self.assertEqual(self.ends(), [("s1", "abandoned"), ("s2", "abandoned")])

    def test_one_that_comes_back_is_active_again(self):
        self.leave_without_a_word()
        self.hook(event("SessionStart", "s2", source="startup"), CLAUDE_PID=os.getpid())
        self.assertEqual(self.ends(), [("s1", "abandoned")])
        for one in (event("SessionStart", "s1", source="resume"), event("Stop", "s1")):
            self.hook(one, CLAUDE_PID=os.getpid())
        changes = [one["status"] for one in self.records() if one["session_id"] == "s1" and one.get("status")]
        self.assertEqual(changes, ["active", "abandoned", "active"])
        self.hook(event("SessionEnd", "s1", reason="other"), CLAUDE_PID=os.getpid())
        self.assertEqual(self.ends(), [("s1", "abandoned"), ("s1", "completed")])


class Transcript(Hook):
    """What only the transcript knows is read at the end of a turn and of a session, by nobody's wish."""

    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.home, ".claude", "projects", "-w-shop")
        os.makedirs(os.path.join(self.folder, SESSION, "subagents"))

    def line(self, n, name=SESSION, stop="end_turn", **more):
        message = {"id": f"msg-{n}", "model": "claude-sonnet-4-5-20250929", "role": "assistant", "stop_reason": stop,
                   "content": [{"type": "text", "text": SECRET}], "usage": {"input_tokens": 1, "output_tokens": n}}
        text = json.dumps({"type": "assistant", "uuid": f"u-{n}", "timestamp": "2026-03-01T00:00:01.000Z",
                           "sessionId": SESSION, "requestId": f"req-{n}", "message": message, **more})
        with open(os.path.join(self.folder, name + ".jsonl"), "a") as file:
            file.write(text + "\n")

    def event(self, name, session=SESSION, **fields):
        return event(name, session, transcript_path=os.path.join(self.folder, session + ".jsonl"), **fields)

    def tokens(self):
        return sorted(one["output_tokens"] for one in self.records() if one["kind"] == "model_usage")

    def test_the_tokens_of_a_session_are_there_when_it_has_ended(self):
        self.hook(self.event("SessionStart", source="startup"), CLAUDE_PID=os.getpid())
        self.line(1)
        self.hook(self.event("Stop"), CLAUDE_PID=os.getpid())
        self.assertEqual(self.tokens(), [1])
        self.line(2)
        self.line(3, stop=None)
        self.line(4, f"{SESSION}/subagents/agent-a1", isSidechain=True, agentId="a1")
        self.hook(self.event("SessionEnd", reason="other"), CLAUDE_PID=os.getpid())
        self.assertEqual(self.tokens(), [1, 2, 3, 4])
        self.assertEqual(self.json("import")["imported"], {})
        self.assertEqual(self.local_ledger(), self.counted_ledger())

    def test_a_call_whose_end_was_not_told_is_no_cancelled_one_if_the_transcript_knows_its_result(self):
        self.hook(tool("PreToolUse", "Bash", "t1"))
        self.hook(tool("PreToolUse", "Bash", "t2"))
        use = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": SECRET}}
        head = {"sessionId": SESSION, "timestamp": "2026-03-01T00:00:01.000Z", "uuid": "u"}
        with open(os.path.join(self.folder, SESSION + ".jsonl"), "w") as file:
            for more in ({"type": "assistant", "message": {"role": "assistant", "content": [use]}},
                         {"type": "user", "message": {"role": "user", "content": [
                             {"type": "tool_result", "tool_use_id": "t1", "content": SECRET}]}}):
                file.write(json.dumps({**head, **more}) + "\n")
        self.hook(self.event("Stop"))
        found = {one["tool_use_id"]: one["status"] for one in self.records() if one["kind"] == "tool_usage"}
        self.assertEqual(found, {"t1": "success", "t2": "cancelled"})

    def test_what_is_too_much_for_the_end_of_a_session_is_read_by_a_process_of_its_own(self):
        self.hook(self.event("SessionStart", source="startup"), CLAUDE_PID=os.getpid())
        with open(os.path.join(self.folder, SESSION + ".jsonl"), "w") as file:
            file.write(('{"type":"progress","text":"' + "x" * (1 << 20) + '"}\n') * 9)
        self.line(1)
        self.hook(self.event("SessionEnd", reason="other"), CLAUDE_PID=os.getpid())
        support.until(lambda: self.tokens() == [1], "the tokens")

    def test_those_of_a_session_that_was_killed_are_there_when_another_starts(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.hook(self.event("SessionStart", source="startup"), CLAUDE_PID=gone.pid)
        self.line(1)
        self.hook(event("SessionStart", "s2", source="startup"), CLAUDE_PID=os.getpid())
        support.until(lambda: self.tokens() == [1], "the tokens")

    def test_a_session_that_is_there_has_no_end_however_long_its_transcript_has_been_still(self):
        self.line(1)
        os.utime(os.path.join(self.folder, SESSION + ".jsonl"), (0, 0))
        self.hook(self.event("SessionStart", source="startup"), CLAUDE_PID=os.getpid())
        self.assertNotIn("end", [one.get("change") for one in self.records()])
        self.json("import")
        self.assertEqual(self.tokens(), [1])
        self.assertNotIn("end", [one.get("change") for one in self.records()])
        self.hook(self.event("SessionEnd", reason="other"), CLAUDE_PID=os.getpid())
        self.assertEqual([one["status"] for one in self.records() if one.get("change") == "end"], ["completed"])

    def test_a_transcript_that_is_elsewhere_or_nowhere_is_no_trouble(self):
        self.hook(self.event("SessionStart", source="startup"))
        for path in ("", "relative.jsonl", "/nowhere/x.jsonl", "/etc/passwd", "/"):
            self.hook(event("Stop", transcript_path=path))
        self.assertEqual(self.tokens(), [])


class ByServer(Hook):
    """Hooks of type mcp_tool: the running server is told, by texts."""

    def told(self, server, name, use, **fields):
        event = {"hook_event_name": name, "session_id": SESSION, "prompt_id": PROMPT, "cwd": f"/w/{SECRET}/shop",
                 "tool_name": "Bash", "tool_use_id": use, "agent_id": "", "error": "", **fields}
        result = server.call("record-hook-event", event)
        self.assertEqual((result["isError"], result["content"][0]["text"]), (False, "{}"))

    def test_an_end_is_recorded_as_by_a_command_and_both_count_once(self):
        server = self.mcp()
        server.initialize()
        response = {"interrupted": "false", "structuredPatch": "", "status": ""}
        for use, both in (("t1", False), ("t2", True)):
            self.hook(tool("PreToolUse", "Bash", use))
            self.told(server, "PostToolUse", use, duration_ms="87", tool_response=response)
            if both:
                self.hook(tool("PostToolUse", "Bash", use, tool_response={"stdout": SECRET}, duration_ms=87))
        self.told(server, "PostToolUseFailure", "t3", duration_ms="5", error=f"Exit code 3 {SECRET}", is_interrupt="false")
        found = {one["tool_use_id"]: one for one in self.records()}
        self.assertEqual({use: one["status"] for use, one in found.items()},
                         {"t1": "success", "t2": "success", "t3": "error"})
        self.assertEqual(found["t1"]["execution_time_ms"], 87)
        self.assertEqual(found["t1"]["context"]["command_word"], "echo")
        self.assertNotIn("output_bytes", found["t1"]["context"])
        self.assertEqual((found["t3"]["context"]["exit_code"], found["t3"]["source"], found["t3"]["project"]),
                         (3, "hook", "shop"))
        self.assertUntyped()
        self.hook(event("Stop"))
        self.assertEqual(len([one for one in self.records() if one["kind"] == "tool_usage"]), 3)
        self.assertEqual(self.local_ledger(), self.counted_ledger())

    def test_where_recording_is_off_nothing_is_kept(self):
        server = self.mcp(DO_NOT_TRACK=1)
        server.initialize()
        self.told(server, "PostToolUse", "t1", duration_ms="87")
        self.assertFalse(os.path.exists(self.database))


class Adversity(Hook):
    def test_garbage_is_no_event(self):
        for text in ("", "\n", "null", "[]", "{}", "{", '{"session_id":"s"', "\0\0", "\xff" * 1000, "{" * 100_000,
                     event("Stop")[:-40], event("Stop", session=""), event("Stop", session=5), event("")):
            self.hook(text)
        self.assertFalse(os.path.exists(self.database))

    def test_names_that_no_record_can_carry_are_let_go(self):
        self.hook(tool("PostToolUse", "Bash", "t" * 200))
        self.hook(tool("PostToolUse", "", "t2"))
        self.hook(tool("PostToolUse", "a\x1b[1m\n" + "b" * 300, "t3"))
        self.assertEqual([record["tool_use_id"] for record in self.records()], ["t3"])

    def test_a_full_disk_is_silent_but_for_one_line_a_day(self):
        def full():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        for _ in range(3):
            process = self.start("hook", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 preexec_fn=full)
            out, err = process.communicate(tool("PostToolUse", "Bash", "t1").encode(), support.DEADLINE)
            self.assertEqual((process.returncode, out, err), (0, b"", b""))  # not even the mark can be written

    def test_what_cannot_be_recorded_is_told_once_a_day(self):
        runtime = os.path.join(self.top, "run")
        os.mkdir(runtime, 0o700)
        blocked = os.path.join(self.top, "blocked")
        with open(blocked, "w"):
            pass
        told = [self.cli("hook", input=tool("PostToolUse", "Bash", "t1"), code=DONE, XDG_RUNTIME_DIR=runtime,
                         FORTIUM_DATA_DIR=os.path.join(blocked, "data")) for _ in range(3)]
        self.assertEqual([done.out for done in told], ["", "", ""])
        self.assertRegex(told[0].err, r"\Afortium-metrics: not recorded: [^\n]+\n\Z")
        self.assertEqual([done.err for done in told[1:]], ["", ""])
        mark = os.path.join(runtime, "fortium-metrics.told")
        os.utime(mark, (0, 0))
        again = self.cli("hook", input=tool("PostToolUse", "Bash", "t1"), code=DONE, XDG_RUNTIME_DIR=runtime,
                         FORTIUM_DATA_DIR=os.path.join(blocked, "data"))
        self.assertEqual(again.err.count("\n"), 1)

    def test_a_bad_setting_does_not_stop_it(self):
        self.hook(tool("PostToolUse", "Bash", "t1"), FORTIUM_MODE="sometimes", FORTIUM_TIMEOUT="x",
                  FORTIUM_PRIVACY_PROMPTS="maybe")
        self.assertEqual(len(self.stored_ids()), 1)

    def test_one_that_is_killed_while_it_reads_leaves_a_sound_store(self):
        self.hook(tool("PostToolUse", "Bash", "t1"))
        process = self.start("hook", stdin=subprocess.PIPE)
        process.stdin.write(b'{"session_id":"s","hook_event_name":"PostToolUse",')
        process.stdin.flush()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdin.close()
        self.assertEqual(len(self.stored_ids()), 1)

    def test_it_does_not_look_for_a_key_where_an_organization_is_named(self):
        ran = os.path.join(self.top, "ran")
        self.hook(tool("PostToolUse", "Bash", "t1"), FORTIUM_METRICS_URL="https://metrics.example.com",
                  FORTIUM_ORG_ID="acme", FORTIUM_API_KEY_COMMAND=f"touch {ran}; echo key")
        self.assertFalse(os.path.exists(ran))
        self.assertEqual(self.store().execute("SELECT organization, waiting FROM lane").fetchall(), [("acme", 1)])


class OptingOut(Hook):
    def test_nothing_is_written(self):
        project = os.path.join(self.home, "work", "shop")
        os.makedirs(os.path.join(project, "deep"))
        off = os.path.join(self.home, "work", ".fortium-metrics-off")
        text = tool("PostToolUse", "Bash", "t1", cwd=os.path.join(project, "deep"))
        self.hook(text, DO_NOT_TRACK=1)
        self.hook(text, FORTIUM_METRICS_DISABLED=1)
        with open(off, "w"):
            pass
        self.hook(text)
        self.hook(tool("PostToolUse", "Bash", "t1"), CLAUDE_PROJECT_DIR=project)
        self.assertFalse(os.path.exists(self.data))
        os.remove(off)
        self.hook(text, CLAUDE_PROJECT_DIR=project)
        self.assertEqual(len(self.stored_ids()), 1)

    def test_the_server_records_nothing_there_either(self):
        project = os.path.join(self.home, "shop")
        os.mkdir(project)
        with open(os.path.join(project, ".fortium-metrics-off"), "w"):
            pass
        session = self.mcp(CLAUDE_PROJECT_DIR=project)
        session.initialize()
        session.record(1)
        session.close_input()
        session.wait_end()
        self.assertFalse(os.path.exists(self.database))


class Privacy(Hook):
    def test_what_is_shown_is_what_is_sent(self):
        for one in whole_session():
            self.hook(one)
        shown = self.json("privacy", "show", "--limit", "100")
        sent = {record["id"]: record for key in support.KINDS.values() for record in shown.get(key, [])}
        exported = {record["id"]: record for record in self.records()}
        for record in exported.values():
            del record["kind"]
        self.assertEqual(sent, exported)
        said = self.cli("privacy", "show", code=DONE).out
        self.assertIn("privacy.prompts: no", said)
        self.assertNotIn(SECRET, said)

    def test_each_is_allowed_by_itself_and_secrets_are_taken_out_even_then(self):
        cases = {
            "PROMPTS": ("UserPromptSubmit", {"prompt": "say fish, PASSWORD=hunter2"}),
            "ARGUMENTS": ("PostToolUse", {"tool_input": {"command": "say fish --password hunter2"}}),
            "PATHS": ("PostToolUse", {"tool_input": {"file_path": "/w/fish"}}),
            "ERRORS": ("PostToolUseFailure", {"error": "no fish, token: hunter2"}),
        }
        for allowed in [None, *cases]:
            with self.subTest(allowed=allowed):
                variables = {f"FORTIUM_PRIVACY_{allowed}": "true"} if allowed else {}
                for what, (name, fields) in cases.items():
                    self.hook(tool(name, "Bash", f"{allowed}-{what}", session=str(allowed),
                                   **{"tool_input": {}, **fields}), **variables)
                self.hook(event("Stop", session=str(allowed)))
                found = [json.dumps(record) for record in self.records() if record["session_id"] == str(allowed)]
                self.assertEqual(len(found), 4)
                self.assertEqual(sum("fish" in one for one in found), 1 if allowed else 0, found)
                self.assertNotIn("hunter2", "".join(found))

    def test_hashes_are_of_this_installation(self):
        text = tool("PostToolUse", "Read", "t1", tool_input={"file_path": "/w/a.py"})
        hashes = set()
        for n in range(2):
            data = os.path.join(self.top, f"data{n}")
            self.hook(text, FORTIUM_DATA_DIR=data)
            self.hook(text.replace('"t1"', '"t2"'), FORTIUM_DATA_DIR=data)
            out = self.cli("export", code=DONE, FORTIUM_DATA_DIR=data).out
            found = {json.loads(line)["context"]["file_hash"] for line in out.splitlines()}
            self.assertEqual(len(found), 1)
            hashes |= found
        self.assertEqual(len(hashes), 2)


if __name__ == "__main__":
    support.main()
