#!/usr/bin/python3
"""The scripts of examples/ do what they say."""

import glob
import json
import os
import shutil
import subprocess
import time

import support
from support import DONE

EXAMPLES = os.path.join(support.ROOT, "examples")


class Examples(support.Case):
    def setUp(self):
        super().setUp()
        self.path = os.path.dirname(support.BIN) + ":/usr/local/bin:/usr/bin:/bin"

    def example(self, name, *args, input=b"", **variables):
        return subprocess.run([os.path.join(EXAMPLES, name), *args], cwd=self.home, input=input,
                              env=self.env(**{"PATH": self.path, **variables}), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)

    def recorded(self):
        return self.store().execute("SELECT command_name, status, execution_time_ms FROM command_execution "
                                    "ORDER BY recorded_at, id").fetchall()

    def test_each_script_is_executed_here(self):
        with open(__file__) as file:
            text = file.read()
        for path in glob.glob(os.path.join(EXAMPLES, "*")):
            name = os.path.basename(path)
            if name != "README.md":
                self.assertTrue(os.access(path, os.X_OK), name)
                self.assertIn(f'"{name}"', text)
                with open(os.path.join(EXAMPLES, "README.md")) as file:
                    self.assertIn(name, file.read())

    def test_timed(self):
        done = self.example("timed.sh", "fine", "sh", "-c", "sleep 0.05; echo out; echo err >&2")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"out\n", b"err\n"))
        self.assertEqual(self.example("timed.sh", "bad", "sh", "-c", "exit 3").returncode, 3)
        self.assertEqual(self.example("timed.sh", "slow", "timeout", "0.05", "sleep", "9").returncode, 124)
        self.assertEqual(self.example("timed.sh", "stopped", "sh", "-c", "kill -TERM $$").returncode, 143)
        rows = self.recorded()
        self.assertEqual([row[:2] for row in rows], [("fine", "success"), ("bad", "error"), ("slow", "timeout"),
                                                     ("stopped", "cancelled")])
        self.assertGreaterEqual(rows[0][2], 50)
        self.assertLess(rows[0][2], 5000)
        self.assertEqual(self.example("timed.sh").returncode, 2)

    def test_timed_as_a_git_hook(self):
        git = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.com",
               "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.com"}
        repository = os.path.join(self.home, "repository")

        def run(*args):
            return subprocess.run(["git", *args], env=self.env(PATH=self.path, **git), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=True, cwd=repository if os.path.exists(repository)
                                  else self.home)

        run("init", "-q", repository)
        hook = os.path.join(repository, ".git", "hooks", "pre-commit")
        os.makedirs(os.path.dirname(hook), exist_ok=True)
        with open(hook, "w") as file:
            file.write(f"#!/bin/sh\nexec {EXAMPLES}/timed.sh pre-commit true\n")
        os.chmod(hook, 0o755)
        run("commit", "-q", "--allow-empty", "-m", "x")
        self.assertEqual([row[:2] for row in self.recorded()], [("pre-commit", "success")])

    def test_timed_where_the_program_is_not_installed(self):
        tools = os.path.join(self.top, "tools")
        os.mkdir(tools)
        for name in ("sh", "date", "true"):
            os.symlink(shutil.which(name, path="/usr/bin:/bin"), os.path.join(tools, name))
        done = self.example("timed.sh", "x", "true", PATH=tools)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_record_lines(self):
        log = 'Read\t12\tsuccess\nBash "quoted" \\ \t340.5\terror\n\nnot a line of the log\n'
        done = self.example("record-lines.sh", input=log.encode())
        self.assertEqual(done.returncode, 0, done.stderr)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([one["kind"] for one in told], ["tool_usage", "tool_usage"])
        rows = self.store().execute("SELECT tool_name, execution_time_ms, status FROM tool_usage").fetchall()
        self.assertEqual(sorted(rows), [('Bash "quoted" \\ ', 340.5, "error"), ("Read", 12, "success")])

    def test_week(self):
        self.record(3)
        done = self.example("week.py")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.decode(), "7d: 0 sessions, 0 commands, 3 tool calls, 0 errors, 0 tokens\n")
        peer = support.Peer(self)
        to = peer.settings()
        old = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 3 * 3600))
        line = json.dumps(support.tool_usage(recorded_at=old, timestamp=old))
        self.cli("record", "--json", "-", input=line, code=DONE, **to)
        done = self.example("week.py", "1d", **to)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"1 records wait, the oldest for 3 hours", done.stderr)


if __name__ == "__main__":
    support.main()
