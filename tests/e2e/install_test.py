#!/usr/bin/python3
"""`install claude-code` and `uninstall claude-code`: into whatever stands there, and out again to the byte.

A stand-in for the client says its version, notes how it was called, and keeps servers in its state file as the client
does. Nothing outside the test's own home is looked at.
"""

import json
import os
import stat

import support
from support import DONE, FAILED, USAGE

HOOK = f'"{support.BIN}" hook'
STAND_IN = r'''#!/usr/bin/python3
import json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
said = sys.argv[1:]
with open(os.path.join(here, "calls"), "a") as calls:
    calls.write(json.dumps(said) + "\n")
if said == ["--version"]:
    print(open(os.path.join(here, "version")).read())
    sys.exit(0)
if os.path.exists(os.path.join(here, "broken")):
    print("something went wrong", file=sys.stderr)
    sys.exit(1)
path = os.path.join(os.environ.get("CLAUDE_CONFIG_DIR") or os.environ["HOME"], ".claude.json")
state = json.load(open(path)) if os.path.exists(path) else {}
what, scope, name = said[1], said[3], said[4]
above = state.setdefault("projects", {}).setdefault(os.getcwd(), {}) if scope == "local" else state
servers = above.setdefault("mcpServers", {})
if what != "remove" and name in servers or what == "remove" and name not in servers:
    sys.exit(1)
if what == "remove":
    del servers[name]
else:
    assert what == "add" and said[5] == "--", said
    servers[name] = {"type": "stdio", "command": said[6], "args": said[7:], "env": {}}
os.makedirs(os.path.dirname(path), exist_ok=True)
json.dump(state, open(path, "w"), indent=2)
'''
EVERY_VERSION = {"PreToolUse", "PostToolUse", "SubagentStop", "Stop"}
OTHERS = {"model": "opus", "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "mine"}]}]}, "env": {"A": "b"}}


def apply(before, diff):
    """What `patch` would make of it."""
    old, new, at = before.splitlines(True), [], 0
    lines = diff.splitlines(True)[2:]
    i = 0
    while i < len(lines):
        assert lines[i].startswith("@@ -"), lines[i]
        start, _, count = lines[i].split()[1][1:].partition(",")
        first = int(start) - (0 if count == "0" else 1)
        new += old[at:first]
        at = first
        i += 1
        while i < len(lines) and not lines[i].startswith("@@ "):
            sign, text = lines[i][0], lines[i][1:]
            if i + 1 < len(lines) and lines[i + 1].startswith("\\ "):
                text = text[:-1]
                lines.pop(i + 1)
            if sign in " -":
                assert old[at] == text, (old[at], text)
                at += 1
            if sign in " +":
                new.append(text)
            i += 1
    return "".join(new + old[at:])


class WithClaude(support.Case):
    def setUp(self):
        super().setUp()
        self.bin = os.path.join(self.top, "bin")
        os.mkdir(self.bin)
        self.settings = os.path.join(self.home, ".claude", "settings.json")
        self.state = os.path.join(self.home, ".claude.json")

    def env(self, **extra):
        extra.setdefault("PATH", self.bin + ":/usr/bin:/bin")
        return super().env(**extra)

    def claude(self, version="2.1.330 (Claude Code)"):
        self.write(os.path.join(self.bin, "claude"), STAND_IN)
        os.chmod(os.path.join(self.bin, "claude"), 0o755)
        self.write(os.path.join(self.bin, "version"), version)

    def calls(self):
        """How the stand-in was called since the last look, but for its version."""
        path = os.path.join(self.bin, "calls")
        calls = [json.loads(line) for line in self.read(path).splitlines()] if os.path.exists(path) else []
        self.write(path, "")
        return [call for call in calls if call != ["--version"]]

    def write(self, path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", newline="") as file:
            file.write(text)

    def read(self, path):
        with open(path, newline="") as file:
            return file.read()

    def load(self, path):
        return json.loads(self.read(path))

    def install(self, *more, code=DONE, **how):
        return self.cli("install", "claude-code", *more, code=code, **how)

    def uninstall(self, *more, code=DONE, **how):
        return self.cli("uninstall", "claude-code", *more, code=code, **how)

    def hooked(self, path=None):
        """The events with our hook, each once."""
        events = set()
        for event, groups in self.load(path or self.settings)["hooks"].items():
            ours = [one for group in groups for one in group["hooks"] if one["command"] == HOOK]
            self.assertLessEqual(len(ours), 1)
            if ours:
                self.assertEqual(ours[0], {"type": "command", "command": HOOK, "timeout": 10})
                events.add(event)
        return events


class Install(WithClaude):
    def test_into_an_empty_home_and_out_again(self):
        self.claude()
        said = self.install().out
        self.assertIn("Claude Code 2.1.330", said)
        self.assertIn(f"claude mcp add -s user fortium-metrics -- {support.BIN} mcp\n", said)
        self.assertIn("+++ " + self.settings, said)
        self.assertIn("fortium-metrics import", said)
        self.assertEqual(self.calls(), [["mcp", "add", "-s", "user", "fortium-metrics", "--", support.BIN, "mcp"]])
        self.assertLess({"SessionStart", "SessionEnd", "UserPromptSubmit", "StopFailure"}, self.hooked())
        self.assertNotIn("MessageDisplay", self.hooked())
        self.assertEqual(self.load(self.state)["mcpServers"]["fortium-metrics"]["args"], ["mcp"])
        self.assertEqual(self.json("doctor")["checks"][-1]["status"], "ok")

        self.uninstall()
        self.assertEqual(self.calls(), [["mcp", "remove", "-s", "user", "fortium-metrics"]])
        self.assertFalse(os.path.exists(self.settings))
        self.assertEqual(os.listdir(os.path.join(self.home, ".claude")), [])
        self.assertEqual(self.load(self.state)["mcpServers"], {})

    def test_twice_is_once(self):
        self.claude()
        self.install()
        self.calls()
        before = os.stat(self.settings)
        said = self.install().out
        self.assertIn("all of it is there already", said)
        self.assertEqual(self.calls(), [])
        self.assertEqual((os.stat(self.settings).st_ino, os.stat(self.settings).st_mtime_ns),
                         (before.st_ino, before.st_mtime_ns))
        self.uninstall()
        self.calls()
        self.assertIn("nothing of it is there", self.uninstall().out)
        self.assertEqual(self.calls(), [])

    def test_each_version_gets_the_events_that_it_knows(self):
        for version, has, has_not in (
                ("1.0.38 (Claude Code)", EVERY_VERSION, {"SessionStart", "UserPromptSubmit"}),
                ("1.0.85 (Claude Code)", {"SessionEnd", "SessionStart"}, {"SubagentStart"}),
                ("2.1.100 (Claude Code)", {"PostToolUseFailure", "PermissionDenied"}, {"UserPromptExpansion"}),
                ("2.1.197 (Claude Code)", {"UserPromptExpansion"}, set()),
                ("unknown", EVERY_VERSION, {"SessionStart"})):
            with self.subTest(version=version):
                self.claude(version)
                self.install()
                self.assertLessEqual(has, self.hooked())
                self.assertFalse(has_not & self.hooked())

    def test_without_the_client_the_files_are_edited(self):
        before = '{\n    "numStartups": 1e1,\n    "projects": {}\n}'
        self.write(self.state, before)
        said = self.install().out
        self.assertIn("claude was not found", said)
        self.assertEqual(self.hooked(), EVERY_VERSION)
        self.assertIn('"numStartups": 1e1', self.read(self.state))
        self.assertEqual(self.load(self.state)["mcpServers"]["fortium-metrics"],
                         {"type": "stdio", "command": support.BIN, "args": ["mcp"], "env": {}})
        self.uninstall()
        self.assertEqual(self.read(self.state), before)
        self.assertFalse(os.path.exists(self.settings))
        self.install()
        os.unlink(self.settings)
        os.unlink(self.state)
        self.install()
        self.assertEqual(stat.S_IMODE(os.stat(self.state).st_mode), 0o600)

    def test_scopes(self):
        self.claude()
        self.assertIn("whoever shares these files", self.install("--scope", "project").out)
        self.assertEqual(self.calls(), [])  # a file that people write and share
        self.assertEqual(self.load(os.path.join(self.home, ".mcp.json"))["mcpServers"]["fortium-metrics"]["args"],
                         ["mcp"])
        self.uninstall("--scope", "project")
        self.assertFalse(os.path.exists(os.path.join(self.home, ".mcp.json")))

        local = os.path.join(self.home, ".claude", "settings.local.json")
        self.install("--scope", "local")
        self.assertEqual(self.calls()[0][:4], ["mcp", "add", "-s", "local"])
        self.assertIn("Stop", self.hooked(local))
        self.assertIn("all of it is there already", self.install("--scope", "local").out)
        self.assertFalse(os.path.exists(self.settings))
        self.uninstall("--scope", "local")
        self.assertFalse(os.path.exists(local))
        self.assertEqual(self.install("--scope", "planet", code=None).code, USAGE)

    def test_two_scopes_in_one_file_are_told_apart(self):
        self.write(self.state, '{"a": 1}')
        self.install("--no-hooks")
        user = self.read(self.state)
        self.install("--no-hooks", "--scope", "local")
        self.uninstall()
        self.assertNotIn("mcpServers", self.load(self.state))
        self.assertIn("fortium-metrics", self.load(self.state)["projects"][self.home]["mcpServers"])
        self.uninstall("--scope", "local")
        self.assertEqual(self.read(self.state), '{"a": 1}')
        self.install("--no-hooks")
        self.assertEqual(self.read(self.state), user)

    def test_no_hooks_registers_the_server_only(self):
        self.claude()
        self.install("--no-hooks")
        self.assertEqual(len(self.calls()), 1)
        self.assertFalse(os.path.exists(self.settings))
        self.assertIn("no hooks", self.json("doctor")["checks"][-1]["detail"])

    def test_the_server_may_take_the_ends_of_tool_calls(self):
        self.write(self.settings, json.dumps(OTHERS))
        before = self.read(self.settings)
        self.claude("2.1.117 (Claude Code)")
        self.assertIn("2.1.118", self.install("--server-hooks", code=FAILED).err)
        self.assertEqual(self.read(self.settings), before)
        self.claude()
        self.install()
        commands = self.read(self.settings)
        self.install("--server-hooks")
        handlers = {event: [one for group in groups for one in group["hooks"] if one.get("command") != "mine"]
                    for event, groups in self.load(self.settings)["hooks"].items()}
        for event, ours in handlers.items():
            self.assertEqual(len(ours), 1, event)
            by_server = event in ("PostToolUse", "PostToolUseFailure")
            self.assertEqual(ours[0]["type"], "mcp_tool" if by_server else "command")
        tool = handlers["PostToolUse"][0]
        self.assertEqual((tool["server"], tool["tool"]), ("fortium-metrics", "record-hook-event"))
        self.assertEqual(tool["input"]["duration_ms"], "${duration_ms}")
        again = self.read(self.settings)
        self.install("--server-hooks")
        self.assertEqual(self.read(self.settings), again)
        self.install()
        self.assertEqual(json.loads(commands), self.load(self.settings))
        self.install("--server-hooks")
        self.cli("uninstall", "claude-code", code=DONE)
        self.assertEqual(self.read(self.settings), before)

    def test_a_dry_run_changes_nothing(self):
        self.claude()
        self.write(self.settings, json.dumps(OTHERS))
        said = self.install("--dry-run").out
        self.assertIn("@@", said)
        self.assertIn("nothing was changed", said)
        self.assertEqual(self.calls(), [])
        self.assertEqual(self.read(self.settings), json.dumps(OTHERS))
        self.assertFalse(os.path.exists(self.data))

    def test_the_diff_is_the_change(self):
        open_ = {"model": "opus", "hooks": OTHERS["hooks"], "more": {"A": "b"}}  # nothing that is not shown
        for text in (json.dumps(open_, indent=2), json.dumps(open_), json.dumps(open_, indent="\t") + "\n", "{}",
                     json.dumps({**{f"k{n}": n for n in range(40)}, **open_, "z": [1, 2]}, indent=4)):
            with self.subTest(text=text):
                self.write(self.settings, text)
                told = self.json("install", "claude-code")
                (change,) = [one for one in told["files"] if one["path"] == self.settings]
                self.assertEqual(change["change"], "changed")
                self.assertEqual(apply(text, change["diff"]), self.read(self.settings))
                self.assertEqual(self.read(change["backup"]), text)
                now = self.read(self.settings)
                (change,) = [one for one in self.json("uninstall", "claude-code")["files"]
                             if one["path"] == self.settings]
                self.assertEqual(apply(now, change["diff"]), text)

    def test_the_diff_shows_no_secret(self):
        for indent in (None, 2):
            self.write(self.settings, json.dumps({"env": {"ANTHROPIC_API_KEY": "hunter2", "B": "hunter3"}}, indent=indent))
            self.write(self.state, json.dumps({"mcpServers": {"fortium-metrics": {
                "command": "/old/fortium-metrics", "env": {"FORTIUM_API_KEY": "hunter4"}}}}, indent=indent))
            done = self.install()
            self.assertIn("fortium-metrics", done.out)
            self.assertNotIn("hunter", done.out + done.err)
            self.assertIn("hunter2", self.read(self.settings))
            self.assertIn("hunter4", self.read(self.state))

    def test_a_moved_configuration_directory(self):
        self.claude()
        moved = os.path.join(self.top, "moved")
        self.install(CLAUDE_CONFIG_DIR=moved)
        self.assertIn("Stop", self.hooked(os.path.join(moved, "settings.json")))
        self.assertIn("fortium-metrics", self.load(os.path.join(moved, ".claude.json"))["mcpServers"])
        self.assertFalse(os.path.exists(self.settings))
        self.assertIn("all of it is there already", self.install(CLAUDE_CONFIG_DIR=moved).out)
        # Without a home it works as long as nobody asks where that is.
        env = self.env(CLAUDE_CONFIG_DIR=moved, FORTIUM_DATA_DIR=self.data, FORTIUM_CONFIG=self.config)
        del env["HOME"]
        self.assertIn("all of it is there already", self.install(env=env).out)

    def test_a_program_that_moved_is_registered_anew_and_what_a_person_set_stays(self):
        self.claude()
        self.write(self.state, json.dumps({"mcpServers": {"fortium-metrics": {
            "command": "/old/fortium-metrics", "args": ["mcp"], "timeout": 9000}}}))
        self.write(self.settings, json.dumps({"hooks": {"Stop": [{"matcher": "x", "hooks": [
            {"type": "command", "command": "/old/fortium-metrics hook", "timeout": 10}, {"type": "command", "command": "mine"}]}]}}))
        self.install()
        self.assertEqual(self.calls(), [])  # its place is kept, and what a person gave it
        self.assertEqual(self.load(self.state)["mcpServers"]["fortium-metrics"],
                         {"command": support.BIN, "args": ["mcp"], "timeout": 9000})
        self.assertIn("Stop", self.hooked())
        self.assertEqual(self.load(self.settings)["hooks"]["Stop"][0]["hooks"][1]["command"], "mine")

    def test_a_client_that_refuses_is_told_and_nothing_else_is_done(self):
        self.claude()
        self.write(os.path.join(self.bin, "broken"), "")
        done = self.install(code=FAILED)
        self.assertIn("something went wrong", done.err)
        self.assertFalse(os.path.exists(self.settings))


class Care(WithClaude):
    """What belongs to somebody else."""

    def setUp(self):
        super().setUp()
        self.claude()

    def assertUntouched(self, text, done):
        self.assertEqual(self.read(self.settings), text)
        self.assertIn(self.settings, done.err)
        self.assertIn("nothing was changed", done.err)
        self.assertEqual(self.calls(), [])

    def test_what_cannot_be_kept_intact_is_refused_with_what_to_add_by_hand(self):
        for text in ('{\n  // mine\n  "model": "opus"\n}', '{"a": 1,}', "[]", '{"a": 1, "a": 2}', "\ufeff{}",
                     '{"hooks": []}', '{"hooks": {"Stop": "x"}}'):
            with self.subTest(text=text):
                self.write(self.settings, text)
                done = self.install(code=FAILED)
                self.assertUntouched(text, done)
                by_hand = json.loads(done.err[done.err.index("\n{"):])
                self.assertEqual(by_hand["hooks"]["Stop"][0]["hooks"][0]["command"], HOOK)

    def test_comments_beside_ours_are_not_lost_when_ours_should_go(self):
        self.install()
        text = "// mine\n" + self.read(self.settings)
        self.write(self.settings, text)
        self.calls()
        self.assertUntouched(text, self.uninstall(code=FAILED))

    def test_a_file_without_ours_is_no_matter_of_uninstall(self):
        self.write(self.settings, "// only mine\n{}")
        self.uninstall()
        self.assertEqual(self.read(self.settings), "// only mine\n{}")

    def test_whatever_the_layout_it_comes_back_to_the_byte(self):
        hooks = '"hooks" : {"PreToolUse":[ {"matcher":"Bash","hooks":[{"type":"command","command":"mine"}]} ] , "Stop": [\n]}'
        for text in ("{}", "{ }\n", "{\n}", '{"a":1}', '{"a": 1, "b": [ ] }', '\n{\n\t"a": 1.50,\n\t"u": "\\u00e4"\n}\n\n',
                     "{" + hooks + "}", '{\r\n  "x": {},\r\n  ' + hooks + "\r\n}\r\n", '{"hooks": {}}', ""):
            with self.subTest(text=text):
                self.write(self.settings, text)
                self.install()
                self.assertIn("Stop", self.hooked())
                self.install()
                self.uninstall()
                self.assertEqual(self.read(self.settings), text)

    def test_what_was_added_meanwhile_stays(self):
        self.write(self.settings, json.dumps(OTHERS, indent=2))
        self.install()
        text = self.read(self.settings).replace('"model": "opus"', '"model": "sonnet",\n  "more": {}')
        self.write(self.settings, text)
        self.uninstall()
        self.assertEqual(self.read(self.settings),
                         json.dumps(OTHERS, indent=2).replace('"model": "opus"', '"model": "sonnet",\n  "more": {}'))

    def test_without_its_backup_it_still_takes_out_its_own(self):
        self.write(self.settings, json.dumps(OTHERS, indent=2))
        self.install()
        self.uninstall(FORTIUM_DATA_DIR=os.path.join(self.top, "another"))
        self.assertEqual(self.read(self.settings), json.dumps(OTHERS, indent=2))

    def test_a_link_leads_to_the_new_text_and_stays_a_link(self):
        real = os.path.join(self.home, "dotfiles", "claude.json")
        self.write(real, json.dumps(OTHERS))
        os.chmod(real, 0o640)
        os.makedirs(os.path.dirname(self.settings))
        os.symlink(os.path.relpath(real, os.path.dirname(self.settings)), self.settings)
        self.install()
        self.assertTrue(os.path.islink(self.settings))
        self.assertIn("Stop", self.hooked(real))
        self.assertEqual(stat.S_IMODE(os.stat(real).st_mode), 0o640)
        self.uninstall()
        self.assertTrue(os.path.islink(self.settings))
        self.assertEqual(self.read(real), json.dumps(OTHERS))
        self.assertEqual(os.listdir(os.path.dirname(real)), ["claude.json"])

    def test_links_to_nowhere_and_folders_are_refused(self):
        os.makedirs(os.path.dirname(self.settings))
        os.symlink("nowhere", self.settings)
        self.assertIn("link to nowhere", self.install(code=FAILED).err)
        os.unlink(self.settings)
        os.mkdir(self.settings)
        self.assertIn("not a file", self.install(code=FAILED).err)
        self.assertEqual(self.calls(), [])

    def test_what_is_read_only_stays_as_it_is(self):
        self.write(self.settings, json.dumps(OTHERS))
        os.chmod(self.settings, 0o444)
        done = self.install(code=FAILED)
        self.assertIn("read-only", done.err)
        self.assertUntouched(json.dumps(OTHERS), done)
        os.chmod(self.settings, 0o644)
        self.install()
        os.chmod(self.settings, 0o444)
        self.install()  # there is nothing to do

    def test_nothing_is_left_beside_the_files(self):
        self.write(self.settings, json.dumps(OTHERS))
        self.install()
        self.uninstall()
        self.assertEqual(os.listdir(os.path.dirname(self.settings)), ["settings.json"])
        self.assertEqual(os.listdir(os.path.join(self.data, "claude-code")), [])
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.data, "claude-code")).st_mode), 0o700)


if __name__ == "__main__":
    support.main()
