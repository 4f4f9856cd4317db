#!/usr/bin/python3
"""Every command of `fortium-metrics`, its JSON and its exit codes, as documented."""

import json
import os
import re
import sqlite3
import subprocess
import uuid

import support
from support import CONFIGURATION, CREDENTIALS, DONE, FAILED, PARTLY, STORE, UNREACHABLE, USAGE

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
UUID7 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")

EXAMPLES = {
    "command_execution": ["command_name=/plan", "execution_time_ms=1200.5", "status=success",
                          'command_args={"type":"react"}'],
    "tool_usage": ["tool_name=Read", "execution_time_ms=12", "status=success"],
    "agent_interaction": ["agent_name=reviewer", "interaction_type=delegation", "execution_time_ms=5",
                          "success=true"],
    "user_session": ["session_id=s1", "change=start", "status=active", 'agents_used=["a","b"]'],
    "productivity_metric": ["metric_type=completion_rate", "value=8.5", "unit=tasks_per_hour"],
    "model_usage": ["model=claude-sonnet", "input_tokens=1", "output_tokens=2", "cache_read_tokens=3",
                    "cache_creation_tokens=4", "cost_usd=0.5"],
}


class Help(support.Case):
    def commands(self, *above):
        """Every command there is, by asking --help."""
        said = self.cli(*above, "--help", code=DONE)
        self.assertEqual(said.err, "")
        yield above, said.out
        listed = said.out.split("Subcommands:\n")
        if len(listed) < 2:
            return
        for line in listed[1].split("\n\n")[0].splitlines():
            name = line.split()[0]
            if re.fullmatch(r"[a-z][a-z-]*", name) and line.startswith("  ") and line[2] != " ":
                yield from self.commands(*above, name)

    def test_every_command_has_help_with_an_example_of_its_own(self):
        seen = []
        for command, said in self.commands():
            seen.append(" ".join(command))
            with self.subTest(command=" ".join(command)):
                self.assertIn("Example:\n", said)
                example = said.split("Example:\n")[1].strip()
                self.assertRegex(example, r"fortium-metrics " + " ".join(command))
        for name in ("mcp", "hook", "record", "privacy show", "report", "status", "sync", "flush", "queue list",
                     "queue show", "queue retry", "queue drop", "queue settle", "import", "export", "verify", "doctor",
                     "install claude-code", "uninstall claude-code", "statusline", "test-connection", "config show",
                     "config get", "config set", "config unset",
                     "config path", "schema export", "completion"):
            self.assertIn(name, seen)

    def test_version(self):
        said = self.cli("--version", code=DONE).out
        self.assertRegex(said, r"^fortium-metrics \d+\.\d+\.\d+\n$")
        self.assertEqual(said.split()[1], self.status()["version"])

    def test_a_wrong_command_line_is_2(self):
        for args in ([], ["no-such-command"], ["status", "--no-such-option"], ["record"], ["record", "no_such_kind"],
                     ["record", "tool_usage", "tool_name"], ["record", "tool_usage", "a=1", "a=2"],
                     ["report", "no-such-report"], ["report", "--since", "yesterdayish"],
                     ["report", "--since", "2026-01-02", "--until", "2026-01-01"], ["config", "get", "no_such_key"],
                     ["config", "set", "timeout"], ["queue", "drop", "x"], ["queue", "retry"], ["queue"],
                     ["install"], ["install", "another-client"], ["uninstall", "claude-code", "--no-hooks"],
                     ["queue", "list", "--cursor", "%%%"], ["completion", "tcsh"], ["sync", "--timeout", "soon"]):
            with self.subTest(args=args):
                done = self.cli(*args)
                self.assertEqual(done.code, USAGE, done)
                self.assertNotEqual(done.err, "")
                self.assertEqual(done.out, "")

    def test_no_colour_where_there_is_no_terminal(self):
        self.record()
        for args in (["status"], ["report"], ["config", "show"], ["queue", "list"], ["--help"]):
            self.assertNotIn("\x1b", self.cli(*args).out)


class Record(support.Case):
    def test_every_kind_by_hand(self):
        for kind, fields in EXAMPLES.items():
            told = json.loads(self.cli("record", kind, *fields, "--json", code=DONE).out)
            self.assertEqual(sorted(told), ["id", "kind"])
            self.assertEqual(told["kind"], kind)
            self.assertRegex(told["id"], UUID7)
        self.assertEqual(self.status()["records"], {"total": 6, "by_kind": dict.fromkeys(EXAMPLES, 1)})

    def test_text_for_people(self):
        done = self.cli("record", "tool_usage", *EXAMPLES["tool_usage"], code=DONE)
        self.assertRegex(done.out, r"^recorded tool_usage [0-9a-f-]{36}\n$")

    def test_json_lines_come_back_in_order_one_line_each(self):
        lines = [support.tool_usage(n, id=str(uuid.uuid4())) for n in range(1200)]
        lines.insert(3, {"kind": "model_usage", "model": "m", "input_tokens": 1, "output_tokens": 1})
        text = "".join(json.dumps(one) + "\n" for one in lines)
        done = self.cli("record", "--json", "-", input=text, code=DONE)
        told = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual([one["kind"] for one in told], [one["kind"] for one in lines])
        self.assertEqual([one["id"] for one in told if one["kind"] == "tool_usage"],
                         [one["id"] for one in lines if "id" in one])
        self.assertOnce([one["id"] for one in told], self.stored_ids())
        self.assertEqual(self.local_ledger(), self.counted_ledger())

    def test_the_other_ways_to_give_lines(self):
        path = os.path.join(self.top, "lines")
        with open(path, "w") as file:
            file.write('\n{"tool_name":"A","execution_time_ms":1,"status":"success"}\n\n')
        self.cli("record", "tool_usage", "--input", path, code=DONE)
        with open(path) as file:
            self.cli("record", "tool_usage", "--input", "-", input=file.read(), code=DONE)
        self.cli("record", "-", "--json", input=json.dumps(support.tool_usage()), code=DONE)  # no line end
        self.assertEqual(self.status()["records"]["total"], 3)
        self.assertEqual(self.cli("record", "--input", os.path.join(self.top, "none")).code, FAILED)

    def test_the_same_record_twice_is_one_record(self):
        line = json.dumps(support.tool_usage(id=str(uuid.uuid4()), timestamp="2026-01-02T03:04:05.678Z"))
        for _ in range(2):
            self.cli("record", "--json", "-", input=line, code=DONE)
        self.assertEqual(self.status()["records"]["total"], 1)
        other = line.replace("Tool0", "Other")
        done = self.cli("record", "--json", "-", input=other, code=FAILED)
        self.assertIn("id", done.err)
        self.assertEqual(done.out, "")
        self.assertEqual(self.status()["records"]["total"], 1)

    def test_a_wrong_field_is_named_with_what_is_allowed(self):
        cases = {
            "status=maybe": ("status", "success, error, timeout, cancelled"),
            "execution_time_ms=-1": ("execution_time_ms", "0"),
            "execution_time_ms=86400001": ("execution_time_ms", "86400000"),
            "execution_time_ms=soon": ("execution_time_ms", "number"),
            "tool_name=": ("tool_name", "empty"),
            "no_such_field=1": ("no_such_field", ""),
            "timestamp=yesterday": ("timestamp", ""),
            "timestamp=1999-12-31T23:59:59Z": ("timestamp", "2000"),
            "context=[1]": ("context", "object"),
        }
        for field, (name, allowed) in cases.items():
            with self.subTest(field=field):
                fields = [one for one in EXAMPLES["tool_usage"] if one.split("=")[0] != field.split("=")[0]]
                done = self.cli("record", "tool_usage", *fields, field, "--json")
                self.assertEqual(done.code, FAILED, done)
                self.assertIn(name, done.err)
                self.assertIn(allowed, done.err)
                self.assertEqual(done.out, "")
        done = self.cli("record", "tool_usage", "execution_time_ms=-1", "status=maybe", code=FAILED)
        for name in ("tool_name", "execution_time_ms", "status"):
            self.assertIn(name, done.err)  # all of them at once
        line = json.dumps(support.tool_usage(source="telepathy"))
        done = self.cli("record", "--json", "-", input=line, code=FAILED)
        self.assertIn("source", done.err)
        self.assertIn("mcp", done.err)
        self.assertEqual(self.status()["records"]["total"], 0)

    def test_good_lines_are_kept_when_others_are_wrong(self):
        lines = [support.tool_usage(n) for n in range(10)]
        lines[4]["status"] = "maybe"
        done = self.cli("record", "--json", "-", input="".join(json.dumps(one) + "\n" for one in lines), code=FAILED)
        self.assertIn("line 5", done.err)
        self.assertIn("status", done.err)
        self.assertEqual(len(done.out.splitlines()), 9)
        self.assertOnce([json.loads(line)["id"] for line in done.out.splitlines()], self.stored_ids())

    def test_no_good_line_is_lost_to_a_line_that_is_no_json(self):
        for wrong in ("{", "[]", "nonsense", '{"kind":"no_such_kind"}', "[" * 100_000):
            with self.subTest(wrong=wrong[:20]):
                before = self.status()["records"]["total"]
                good = json.dumps(support.tool_usage())
                done = self.cli("record", "--json", "-", input=f"{good}\n{wrong}\n{good}\n", code=FAILED)
                self.assertIn("line 2", done.err)
                told = [json.loads(line)["id"] for line in done.out.splitlines()]
                # What it did with the good lines, it tells, and it did it with all of them.
                self.assertEqual(len(told), 2)
                self.assertEqual(self.status()["records"]["total"], before + len(told))

    def test_documented_synonyms(self):
        for fields in (["tool_name=A", "duration_ms=1", "success=true"], ["tool_name=A", "duration=1", "success=false"],
                       ["tool_name=A", "time=1", "status=timeout"]):
            self.cli("record", "tool_usage", *fields, code=DONE)
        self.cli("record", "tool-usage", *EXAMPLES["tool_usage"], code=DONE)  # as in REST paths
        rows = self.store().execute("SELECT status, execution_time_ms FROM tool_usage ORDER BY seq, id").fetchall()
        self.assertEqual(sorted(row[0] for row in rows), ["error", "success", "success", "timeout"])

    def test_the_limits_and_one_more(self):
        def lines(**more):
            return json.dumps(support.tool_usage(0, **more))
        members = {f"m{n}": n for n in range(50)}
        self.cli("record", "--json", "-", input=lines(context=members), code=DONE)
        self.cli("record", "--json", "-", input=lines(context={**members, "more": 1}), code=FAILED)
        room = 64 * 1024 - len('{"a":""}')
        self.cli("record", "--json", "-", input=lines(context={"a": "x" * room}), code=DONE)
        self.cli("record", "--json", "-", input=lines(context={"a": "x" * (room + 1)}), code=FAILED)
        self.cli("record", "--json", "-", input=lines(tool_name="ü" * 255), code=DONE)
        self.cli("record", "--json", "-", input=lines(tool_name="ü" * 256), code=FAILED)

    def test_records_of_one_session_are_numbered(self):
        self.record(10, CLAUDE_CODE_SESSION_ID="one")
        self.record(5, CLAUDE_CODE_SESSION_ID="one")
        rows = self.store().execute("SELECT seq FROM tool_usage WHERE session_id = 'one' ORDER BY seq").fetchall()
        self.assertEqual([row[0] for row in rows], list(range(1, 16)))


class Status(support.Case):
    def test_the_shape(self):
        for variables in ({}, {"FORTIUM_METRICS_URL": "http://127.0.0.1:9", "FORTIUM_API_KEY": "fm_k",
                               "FORTIUM_ORG_ID": "acme"}):
            self.record(2, **variables)
            told = self.status(**variables)
            self.assertEqual(told["mode"], "hybrid" if variables else "local")
            self.assertEqual(set(told["store"]) & {"path", "bytes", "durability", "schema_version", "ok"},
                             {"path", "bytes", "durability", "schema_version", "ok"})
            self.assertEqual(told["store"]["path"], self.database)
            self.assertGreater(told["store"]["bytes"], 0)
            self.assertEqual(told["store"]["durability"], "full")
            self.assertIs(told["store"]["ok"], True)
            self.assertIsInstance(told["store"]["schema_version"], int)
            for name in ("pending", "leased", "failed"):
                self.assertIsInstance(told["queue"][name], int, name)
            self.assertIn("oldest_ms", told["queue"])
            for name in ("url", "organization_id", "last_success", "last_error", "circuit", "next_attempt"):
                self.assertIn(name, told["sync"])
            self.assertEqual(told["sync"]["circuit"], "closed")
        self.assertEqual(told["records"], {"total": 4, "by_kind": {"tool_usage": 4}})
        self.assertEqual(told["queue"]["pending"], 2)
        self.assertGreaterEqual(told["queue"]["oldest_ms"], 0)
        self.assertEqual(told["sync"]["url"], "http://127.0.0.1:9")
        self.assertEqual(told["sync"]["organization_id"], "acme")

    def test_text(self):
        self.record(2)
        self.assertIn("2 tool calls", self.cli("status", code=DONE).out)

    def test_a_bad_setting_is_3_and_named_with_where_it_came_from(self):
        done = self.cli("status", "--json", FORTIUM_TIMEOUT="7")
        self.assertEqual(done.code, CONFIGURATION)
        for word in ("timeout", "FORTIUM_TIMEOUT", '"7"', "1000", "300000"):
            self.assertIn(word, done.err)
        json.loads(done.out)
        self.record(1, FORTIUM_TIMEOUT="7")  # recording goes on


class Queue(support.Case):
    def setUp(self):
        super().setUp()
        self.peer = support.Peer(self)
        self.to = self.peer.settings()

    def test_list_show_retry_drop(self):
        ids = self.record(25, **self.to)
        listed = self.json("queue", "list", **self.to)
        self.assertIsNone(listed["next_cursor"])
        order = [one["id"] for one in listed["records"]]
        self.assertEqual(sorted(order), sorted(ids))
        self.assertEqual([one["since"] for one in listed["records"]],
                         sorted(one["since"] for one in listed["records"]))  # oldest first
        first = listed["records"][0]
        self.assertEqual({name: first[name] for name in ("kind", "state", "attempts", "reason")},
                         {"kind": "tool_usage", "state": "pending", "attempts": 0, "reason": None})
        self.assertRegex(first["since"], TIME)

        pages, cursor = [], None
        while True:
            more = ["--cursor", cursor] if cursor else []
            page = self.json("queue", "list", "--limit", "10", *more, **self.to)
            pages += [one["id"] for one in page["records"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
            self.assertEqual(len(page["records"]), 10)
        self.assertEqual(pages, order)

        shown = self.json("queue", "show", ids[3], **self.to)
        self.assertEqual((shown["id"], shown["kind"], shown["tool_name"]), (ids[3], "tool_usage", "Tool3"))
        self.assertEqual(self.cli("queue", "show", str(uuid.uuid4()), **self.to).code, FAILED)

        self.assertEqual(self.cli("queue", "drop", ids[0], **self.to).code, USAGE)  # not without --yes
        self.cli("queue", "drop", ids[0], "--yes", code=DONE, **self.to)
        self.assertEqual(self.cli("queue", "drop", ids[0], "--yes", **self.to).code, FAILED)

        refused = set(ids[5:8])
        self.peer.batch(lambda request: support.Reply(200, self.peer.receipt(request, lambda record: {
            "status": "rejected", "code": "invalid", "message": "tool_name: not liked"}
            if record["id"] in refused else None)))
        told = self.json("sync", code=PARTLY, **self.to)
        self.assertEqual((told["sent"], told["accepted"], told["rejected"], told["remaining"]), (24, 21, 3, 0))
        failed = self.json("queue", "list", "--failed", **self.to)["records"]
        self.assertEqual({one["id"] for one in failed}, refused)
        for one in failed:
            self.assertEqual(one["state"], "failed")
            self.assertIn("not liked", one["reason"])
        self.assertIn("not liked", self.cli("queue", "list", "--failed", code=DONE, **self.to).out)
        self.assertEqual(self.status(**self.to)["queue"]["failed"], 3)

        self.peer.batch(self.peer.honest)
        [one, *others] = sorted(refused)
        self.cli("queue", "retry", one, code=DONE, **self.to)
        self.assertEqual(self.json("sync", code=DONE, **self.to)["accepted"], 1)
        self.cli("queue", "retry", "--all", code=DONE, **self.to)
        self.assertEqual(self.json("sync", code=DONE, **self.to)["accepted"], 2)
        self.assertEqual(self.status(**self.to)["queue"]["failed"], 0)
        self.assertEqual(sorted(self.peer.ids), sorted(ids[1:]))
        self.assertEqual(set(self.peer.ids.values()), {1})
        self.assertEqual(self.json("queue", "list", **self.to), {"records": [], "next_cursor": None})


class Config(support.Case):
    SECRET = "fm_secret_value_4f1a"

    def test_set_get_unset_path(self):
        self.assertEqual(self.cli("config", "path", code=DONE).out.strip(), self.config)
        self.assertFalse(os.path.exists(self.config))
        self.cli("config", "set", "url", "https://metrics.example.com", code=DONE)
        self.cli("config", "set", "batch_size", "50", code=DONE)
        self.assertEqual(oct(os.stat(self.config).st_mode & 0o777), oct(0o600))
        self.assertEqual(self.cli("config", "get", "url", code=DONE).out, "https://metrics.example.com\n")
        self.assertEqual(self.cli("config", "get", "batch_size", code=DONE).out, "50\n")
        shown = self.json("config", "show")
        self.assertEqual(shown["batch_size"], {"value": "50", "origin": self.config})
        self.assertEqual(shown["timeout"]["value"], "30000")
        self.cli("config", "unset", "url", code=DONE)
        self.assertEqual(self.cli("config", "get", "url", code=DONE).out, "\n")
        self.assertEqual(self.cli("config", "get", "batch_size", code=DONE).out, "50\n")

    def test_the_order_is_option_environment_file_default(self):
        self.cli("config", "set", "url", "https://file.example.com", code=DONE)
        self.assertEqual(self.cli("config", "get", "url").out, "https://file.example.com\n")
        both = {"FORTIUM_API_URL": "https://second.example.com", "FORTIUM_METRICS_URL": "https://first.example.com"}
        self.assertEqual(self.cli("config", "get", "url", **both).out, "https://first.example.com\n")
        del both["FORTIUM_METRICS_URL"]
        self.assertEqual(self.cli("config", "get", "url", **both).out, "https://second.example.com\n")
        self.assertEqual(self.cli("--url", "https://option.example.com", "config", "get", "url", **both).out,
                         "https://option.example.com\n")

    def test_what_a_person_wrote_in_the_file_stays(self):
        os.makedirs(os.path.dirname(self.config))
        written = "# mine\n\nbatch_size = 10  # small\ndebug = false\n"
        with open(self.config, "w") as file:
            file.write(written)
        self.cli("config", "set", "timeout", "2000", code=DONE)
        self.cli("config", "unset", "timeout", code=DONE)
        with open(self.config) as file:
            self.assertEqual(file.read().rstrip(), written.rstrip())

    def test_values_out_of_range_are_refused_and_not_written(self):
        for key, least, most in (("sync_interval", 50, 3_600_000), ("timeout", 1_000, 300_000),
                                 ("retry_attempts", 0, 20), ("batch_size", 1, 1_000)):
            for value in (least, most):
                self.cli("config", "set", key, str(value), code=DONE)
            for value in (least - 1, most + 1, "many", ""):
                done = self.cli("config", "set", key, "--", str(value))
                self.assertEqual(done.code, USAGE, (key, value, done))
                self.assertIn(key, done.err)
            self.assertEqual(self.cli("config", "get", key).out, f"{most}\n")
        self.cli("config", "set", "max_store_bytes", "1048576", code=DONE)
        self.assertEqual(self.cli("config", "set", "max_store_bytes", "1048575").code, USAGE)
        for url in ("ftp://x", "http://metrics.example.com", "nonsense", "https://"):
            self.assertEqual(self.cli("config", "set", "url", url).code, USAGE, url)
        for url in ("https://x", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1/base"):
            self.cli("config", "set", "url", url, code=DONE)

    def test_a_key_is_never_taken_from_the_command_line_and_never_shown(self):
        done = self.cli("config", "set", "api_key", self.SECRET)
        self.assertEqual(done.code, USAGE)
        self.assertNotIn(self.SECRET, done.out + done.err)
        path = os.path.join(self.home, "key")
        with open(path, "w") as file:
            file.write(self.SECRET + "\nsecond line\n")
        command = f"printf '%s\\nmore\\n' {self.SECRET}"
        for how in ({"FORTIUM_API_KEY": self.SECRET}, {"FORTIUM_API_KEY_FILE": path},
                    {"FORTIUM_API_KEY_COMMAND": command}):
            with self.subTest(how=list(how)):
                how["FORTIUM_METRICS_URL"] = "http://127.0.0.1:9"
                self.assertEqual(self.status(**how)["mode"], "hybrid")
                for args in (["config", "get", "api_key"], ["config", "get", "api_key", "--json"], ["status"]):
                    done = self.cli(*args, code=DONE, **how)
                    self.assertNotIn(self.SECRET, done.out + done.err)
                    self.assertIn(self.SECRET[-4:], done.out)
                shown = self.json("config", "show", **how)
                self.assertTrue(shown["api_key"]["value"].endswith(self.SECRET[-4:]))
                self.assertNotIn(self.SECRET, shown["api_key"]["value"])

    def test_a_key_in_the_file_makes_it_private(self):
        os.makedirs(os.path.dirname(self.config))
        with open(self.config, "w") as file:
            file.write(f'api_key = "{self.SECRET}"\nurl = "http://127.0.0.1:9"\n')
        os.chmod(self.config, 0o644)
        self.assertEqual(self.status()["mode"], "hybrid")
        done = self.cli("config", "set", "org_id", "acme", code=DONE)
        self.assertNotIn(self.SECRET, done.out + done.err)
        self.assertEqual(oct(os.stat(self.config).st_mode & 0o777), oct(0o600))
        with open(self.config) as file:
            self.assertIn(self.SECRET, file.read())

    def test_a_broken_file_is_told_and_recording_goes_on(self):
        os.makedirs(os.path.dirname(self.config))
        with open(self.config, "w") as file:
            file.write("batch_size = many\nthis is no setting\nno_such_key = 1\n")
        self.record(1)
        done = self.cli("config", "show")
        self.assertEqual(done.code, CONFIGURATION)
        for word in ("batch_size", "no_such_key", "line 2"):
            self.assertIn(word, done.err)
        self.assertEqual(self.cli("sync").code, CONFIGURATION)

    def test_places(self):
        data, config = os.path.join(self.top, "d"), os.path.join(self.top, "c.toml")
        for args, variables in ((["--data-dir", data, "--config", config], {}),
                                ([], {"FORTIUM_DATA_DIR": data, "FORTIUM_CONFIG": config})):
            told = json.loads(self.cli(*args, "status", "--json", code=DONE, **variables).out)
            self.assertEqual(told["store"]["path"], data + "/metrics.db")
            self.assertEqual(self.cli(*args, "config", "path", **variables).out, config + "\n")
        xdg = {"XDG_DATA_HOME": self.top + "/xd", "XDG_CONFIG_HOME": self.top + "/xc"}
        self.assertEqual(self.status(**xdg)["store"]["path"], self.top + "/xd/fortium-metrics/metrics.db")
        self.assertEqual(self.cli("config", "path", **xdg).out, self.top + "/xc/fortium-metrics/config.toml\n")


class Schema(support.Case):
    def test_export(self):
        folder = os.path.join(self.top, "out")
        self.cli("schema", "export", folder, code=DONE)
        names = set(os.listdir(folder))
        self.assertLessEqual({"tools.json", "sqlite.sql", "README.md"} | {f"{kind}.v1.json" for kind in support.KINDS},
                             names)
        for name in names:
            if name.endswith(".json"):
                with open(os.path.join(folder, name)) as file:
                    json.load(file)
        with open(os.path.join(folder, "sqlite.sql")) as file:
            sqlite3.connect(":memory:").executescript(file.read())
        with open(os.path.join(folder, "tools.json")) as file:
            exported = json.load(file)["tools"]
        mcp = self.mcp()
        mcp.initialize()
        listed = {one["name"]: one for one in mcp.result("tools/list")["tools"]}
        self.assertEqual({one["name"]: one["inputSchema"] for one in exported},
                         {name: one["inputSchema"] for name, one in listed.items()})


class Report(support.Case):
    def test_summary(self):
        for kind, fields in EXAMPLES.items():
            self.cli("record", kind, *fields, code=DONE, CLAUDE_CODE_SESSION_ID="s1")
        self.cli("record", "tool_usage", "tool_name=Bash", "execution_time_ms=30", "status=error", code=DONE,
                 CLAUDE_CODE_SESSION_ID="s1")
        told = self.json("report", "summary")
        self.assertEqual(told["period"]["timezone"], "UTC")
        for name in ("since", "until"):
            self.assertRegex(told["period"][name], TIME)
        totals = told["totals"]
        self.assertEqual((totals["sessions"], totals["commands"], totals["tools"], totals["agents"], totals["errors"]),
                         (1, 1, 2, 1, 1))
        self.assertEqual(totals["tokens"], {"input": 1, "output": 2, "cache_read": 3, "cache_creation": 4,
                                            "total": 10})
        self.assertEqual(totals["cost_usd"], 0.5)
        self.assertIsInstance(totals["active_ms"], int)
        self.assertEqual(self.json("report")["totals"], totals)  # summary is what is asked by default
        done = self.cli("report", code=DONE)
        self.assertIn("Bash", done.out)
        self.assertEqual(self.json("report", "summary", "--until", "2001-01-01", "--since", "2000-01-01")["totals"]
                         ["tools"], 0)

    def test_of_nothing(self):
        totals = self.json("report", "summary")["totals"]
        self.assertEqual((totals["sessions"], totals["tools"], totals["tokens"]["total"]), (0, 0, 0))
        self.assertIsNone(totals["cost_usd"])


class Completion(support.Case):
    def complete(self, words):
        """What bash offers after these words."""
        script = self.cli("completion", "bash", code=DONE).out
        path = os.path.join(self.top, "completion.bash")
        with open(path, "w") as file:
            file.write(script)
        code = ('set -eu; source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); '
                'complete -p fortium-metrics >/dev/null; _fortium_metrics; printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "--norc", "-c", code, "bash", path, "fortium-metrics", *words],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env(), check=True)
        self.assertEqual(done.stderr, b"")
        return done.stdout.decode().split()

    def test_bash(self):
        self.assertEqual(self.complete(["sta"]), ["status", "statusline"])
        self.assertIn("record", self.complete([""]))
        self.assertLessEqual({"list", "show", "retry", "drop"}, set(self.complete(["queue", ""])))
        self.assertEqual(self.complete(["queue", "list", "--fa"]), ["--failed"])

    def test_bash_after_an_option_with_a_value(self):
        self.assertEqual(self.complete(["--data-dir", "x", "sta"]), ["status", "statusline"])

    def test_bash_knows_what_may_follow(self):
        self.assertLessEqual({"bash", "zsh", "fish"}, set(self.complete(["completion", ""])))
        self.assertLessEqual(set(support.KINDS), set(self.complete(["record", ""])))
        self.assertIn("url", self.complete(["config", "get", ""]))
        self.assertIn("summary", self.complete(["report", ""]))

    def test_zsh_and_fish_name_every_command(self):
        for shell in ("zsh", "fish"):
            script = self.cli("completion", shell, code=DONE).out
            for name in ("mcp", "hook", "record", "privacy", "report", "status", "sync", "queue", "config", "test-connection", "retry"):
                self.assertRegex(script, rf"\b{name}\b", shell)
        for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])):
            if subprocess.run(["sh", "-c", f"command -v {shell}"], stdout=subprocess.DEVNULL).returncode == 0:
                path = os.path.join(self.top, f"completion.{shell}")
                with open(path, "w") as file:
                    file.write(self.cli("completion", shell).out)
                subprocess.run([*check, path], check=True)


class SwitchedOff(support.Case):
    def test_nothing_is_recorded_and_everything_answers(self):
        for variable in ("FORTIUM_METRICS_DISABLED", "DO_NOT_TRACK"):
            with self.subTest(variable=variable):
                peer = support.Peer(self)
                off = {**peer.settings(FORTIUM_SYNC_INTERVAL=50), variable: "1"}
                mcp = self.mcp(**off)
                mcp.initialize()
                told = mcp.call("record-tool-usage", {"tool_name": "A", "execution_time_ms": 1, "status": "success"})
                self.assertFalse(told["isError"])
                self.assertIn("off", told["structuredContent"]["message"])
                self.assertTrue(mcp.call("record-tool-usage", {"status": "bogus"})["isError"])
                self.assertFalse(mcp.call("record-session-start", {})["isError"])
                self.assertFalse(mcp.call("record-session-end", {"session_id": "x"})["isError"])
                self.assertFalse(mcp.call("get-session-metrics", {})["isError"])
                self.assertFalse(mcp.call("query_dashboard", {"timeframe": "24h"})["isError"])
                self.assertEqual(mcp.end()[0], 0)
                mcp.assertClean()
                self.cli("record", "tool_usage", *EXAMPLES["tool_usage"], code=DONE, **off)
                self.cli("report", code=DONE, **off)
                told = self.status(**off)
                self.assertEqual(told["records"]["total"], 0)
                self.assertEqual(peer.connections, 0)

    def test_nothing_is_sent_either(self):
        peer = support.Peer(self)
        self.record(3, **peer.settings())
        for variable in ("FORTIUM_METRICS_DISABLED", "DO_NOT_TRACK"):
            done = self.cli("sync", "--json", **peer.settings(), **{variable: "1"})
            self.assertEqual(peer.posts(), [], f"{variable}: sync sent something, exit {done.code}")
        self.assertEqual(self.status(**peer.settings())["queue"]["pending"], 3)

    def test_zero_is_not_off(self):
        self.record(1, FORTIUM_METRICS_DISABLED="0", DO_NOT_TRACK="0")
        self.assertEqual(self.status()["records"]["total"], 1)


class NewerStore(support.Case):
    def set_version(self, version):
        connection = sqlite3.connect(self.database)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def test_untouched_and_recording_goes_on_beside_it(self):
        peer = support.Peer(self)
        to = peer.settings()
        before = self.record(3, **to)
        self.set_version(99)
        with open(self.database, "rb") as file:
            content = file.read()

        during = self.record(5, **to)
        mcp = self.mcp(**to)
        mcp.initialize()
        during += [mcp.record(n) for n in range(5)]
        self.assertEqual(mcp.end()[0], 0)
        done = self.cli("sync", "--json", **to)
        self.assertEqual(done.code, STORE, done)
        self.assertIn("99", done.err)
        told = self.status(code=STORE, **to)
        self.assertIs(told["store"]["ok"], False)
        self.assertEqual(peer.posts(), [])
        with open(self.database, "rb") as file:
            self.assertEqual(file.read(), content)
        spool = os.path.join(self.data, "spool")
        self.assertEqual(oct(os.stat(spool).st_mode & 0o777), oct(0o700))
        for name in os.listdir(spool):
            self.assertEqual(oct(os.stat(os.path.join(spool, name)).st_mode & 0o777), oct(0o600))

        self.set_version(1)
        self.assertEqual(self.json("sync", code=DONE, **to)["accepted"], 13)
        self.assertOnce(before + during, self.stored_ids())
        self.assertEqual(sorted(peer.ids), sorted(before + during))
        self.assertEqual(os.listdir(spool), [])

    def test_a_file_of_another_program_is_kept_aside(self):
        os.makedirs(self.data)
        connection = sqlite3.connect(self.database)
        connection.execute("CREATE TABLE mine (x)")
        connection.commit()
        connection.close()
        told = self.cli("record", "tool_usage", *EXAMPLES["tool_usage"], code=DONE)
        self.assertIn("was moved to", told.err)
        ids = self.record(2)
        told = self.status()["store"]
        self.assertIs(told["ok"], True)
        self.assertIn("another program", told["quarantine"][0]["why"])
        moved = os.path.join(told["quarantine"][0]["path"], "metrics.db")
        self.assertEqual(sqlite3.connect(moved).execute("SELECT name FROM sqlite_master").fetchall(), [("mine",)])
        self.assertEqual(self.status()["records"]["total"], 3)
        self.assertOnce(ids, self.stored_ids())


class ExitCodes(support.Case):
    def test_of_sync(self):
        self.assertEqual(self.cli("sync").code, CONFIGURATION)  # nowhere to send to
        self.assertEqual(self.cli("sync", FORTIUM_METRICS_URL="http://127.0.0.1:9").code, CONFIGURATION)  # no key
        peer = support.Peer(self)
        to = peer.settings()
        self.assertEqual(self.json("sync", code=DONE, **to)["sent"], 0)
        self.assertEqual(self.json("flush", code=DONE, **to)["sent"], 0)
        self.record(1, **to)
        self.assertEqual(self.cli("sync", **{**to, "FORTIUM_MODE": "local"}).code, CONFIGURATION)
        peer.batch(support.Reply(401, {"success": False, "message": "no"}))
        self.assertEqual(self.cli("sync", **to).code, CREDENTIALS)
        peer.close()
        self.assertEqual(self.cli("sync", **to).code, UNREACHABLE)

    def test_of_a_store_that_cannot_be_opened(self):
        os.makedirs(self.database)  # a folder where the file should be
        for args in (["report"], ["queue", "list"]):
            self.assertEqual(self.cli(*args).code, STORE, args)
        self.record(1)  # into the spool
        os.rmdir(self.database)
        self.assertEqual(self.status()["records"]["total"], 1)


if __name__ == "__main__":
    support.main()
