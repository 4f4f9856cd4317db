#!/usr/bin/python3
"""The plugin for Claude Code: it says what the program says of itself, and starts the program that is installed.

With FORTIUM_CLAUDE, the path of a real client, the client checks it, too.
"""

import json
import os
import re
import shutil
import subprocess

import support
from install_test import WithClaude
from support import DONE

PLUGIN = os.path.join(support.ROOT, "packaging", "claude-plugin")
# The first version whose events are all known, and of which the plugin asks no more.
OLDEST = "2.1.100 (Claude Code)"
MOST_NAME = 128  # characters; the client drops a tool with a longer name


def load(*path):
    with open(os.path.join(PLUGIN, *path)) as file:
        return json.load(file)


def skills():
    for name in sorted(os.listdir(os.path.join(PLUGIN, "skills"))):
        with open(os.path.join(PLUGIN, "skills", name, "SKILL.md")) as file:
            _, head, body = file.read().split("---\n", 2)
        yield name, dict(line.split(": ", 1) for line in head.splitlines()), body


class Plugin(WithClaude):
    def test_its_version_is_the_programs(self):
        self.assertEqual("fortium-metrics " + load(".claude-plugin", "plugin.json")["version"],
                         self.cli("--version", code=DONE).out.strip())

    def test_its_hooks_are_those_that_install_adds_for_the_oldest_version(self):
        self.claude(OLDEST)
        events = self.json("install", "claude-code", "--dry-run")["events"]
        hooks = load("hooks", "hooks.json")["hooks"]
        self.assertEqual(list(hooks), events)
        for groups in hooks.values():
            self.assertEqual(groups, [{"hooks": [{
                "type": "command", "command": '"${CLAUDE_PLUGIN_ROOT}/bin/fortium-metrics" hook', "timeout": 10}]}])

    def test_the_names_of_its_tools_are_short_enough(self):
        (server,) = load(".mcp.json")["mcpServers"]
        plugin = load(".claude-plugin", "plugin.json")["name"]
        session = self.mcp()
        session.initialize()
        tools = [tool["name"] for tool in session.result("tools/list")["tools"]]
        self.assertGreater(len(tools), 5)
        for tool in tools:
            self.assertLessEqual(len(f"mcp__plugin_{plugin}_{server}__{tool}"), MOST_NAME)

    def test_its_skills_name_commands_and_options_that_there_are(self):
        names = []
        for name, head, body in skills():
            names.append(name)
            self.assertEqual(head["name"], name)
            self.assertLess(len(head["description"]), 1024)
            told = re.findall(r"`fortium-metrics ([^`]+)`", body)
            self.assertNotEqual(told, [])
            for line in told + re.findall(r"Bash\(fortium-metrics ([a-z-]+)", head["allowed-tools"]):
                words = [word for word in line.split() if re.fullmatch(r"[a-z][a-z-]*", word)]
                words = words[:2] if words[0] == "queue" else words[:1]
                said = self.cli(*words, "--help", code=DONE).out
                for option in re.findall(r"--[a-z-]+", line):
                    self.assertIn(option, said)
        self.assertEqual(names, ["doctor", "report", "status", "verify"])

    def test_its_licence_is_ours(self):
        with open(os.path.join(PLUGIN, "LICENSE")) as one, open(os.path.join(support.ROOT, "LICENSE")) as other:
            self.assertEqual(one.read(), other.read())

    def run_wrapper(self, *args, **env):
        copy = os.path.join(self.home, ".claude", "skills", "fortium-metrics")
        if not os.path.exists(copy):
            shutil.copytree(PLUGIN, copy)
        wrapper = os.path.join(copy, "bin", "fortium-metrics")
        return self.cli(*args, program=wrapper, env=self.env(**env))

    def test_its_wrapper_starts_the_installed_program(self):
        os.symlink(support.BIN, os.path.join(self.bin, "fortium-metrics"))
        done = self.run_wrapper("--version")
        self.assertEqual((done.code, done.out), (DONE, self.cli("--version").out))
        self.assertEqual(self.run_wrapper("no-such-command").code, support.USAGE)

    def test_its_wrapper_looks_past_itself_and_its_copies(self):
        copy = os.path.join(self.top, "copy")
        shutil.copytree(PLUGIN, copy)
        path = f"{self.home}/.claude/skills/fortium-metrics/bin:{copy}/bin:{self.bin}"
        places = [os.path.join(self.home, ".local", "bin"), *self.move_systems_folders()]
        for place in places:
            os.makedirs(place)
        self.assertEqual(self.run_wrapper("hook", PATH=path)[:3], (DONE, "", ""))  # nothing there: a hook is silent
        done = self.run_wrapper("status", PATH=path)
        self.assertEqual(done.code, 127)
        self.assertIn("not installed", done.err)
        for place in places:
            installed = os.path.join(place, "fortium-metrics")
            os.symlink(support.BIN, installed)
            self.assertEqual(self.run_wrapper("--version", PATH=path).code, DONE)
            os.unlink(installed)

    def move_systems_folders(self):
        """The wrapper looks into these in place of the system's, where the program may be installed."""
        self.run_wrapper("hook")
        wrapper = os.path.join(self.home, ".claude", "skills", "fortium-metrics", "bin", "fortium-metrics")
        with open(wrapper) as file:
            text = file.read()
        moved = []
        for place in ("/usr/local/bin", "/usr/bin"):
            self.assertEqual(text.count(f" {place}"), 1)
            moved.append(self.top + place)
            text = text.replace(f" {place}", f' "{moved[-1]}"')
        with open(wrapper, "w") as file:
            file.write(text)
        return moved

    def test_it_is_made_of_what_clients_know(self):
        self.assertEqual(sorted(os.listdir(PLUGIN)),
                         [".claude-plugin", ".mcp.json", "LICENSE", "README.md", "bin", "hooks", "skills"])
        manifest = load(".claude-plugin", "plugin.json")
        self.assertLessEqual(set(manifest), {"name", "version", "description", "author", "license", "keywords"})
        self.assertRegex(manifest["name"], r"^[a-z0-9]+(-[a-z0-9]+)*$")
        self.assertRegex(manifest["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual({key: type(value) for key, value in manifest["author"].items()}, {"name": str})
        self.assertLessEqual(set(load("hooks", "hooks.json")), {"description", "hooks"})
        for name, head, _ in skills():
            self.assertLessEqual(set(head), {"name", "description", "argument-hint", "allowed-tools"}, name)
        self.assertTrue(os.access(os.path.join(PLUGIN, "bin", "fortium-metrics"), os.X_OK))
        if "FORTIUM_CLAUDE" in os.environ:
            self.ask_client()

    def ask_client(self):
        done = subprocess.run([os.environ["FORTIUM_CLAUDE"], "plugin", "validate", "--strict", PLUGIN], env=self.env(),
                              cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode())


if __name__ == "__main__":
    support.main()
