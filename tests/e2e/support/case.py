"""One test: a home, a data directory, the programs it starts, and what it finds in the store."""

import collections
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from .base import BIN, DONE, KINDS, end_process, digest
from .mcp import Mcp, tool_usage
from .postgres import Postgres

Done = collections.namedtuple("Done", "code out err seconds")


class Case(unittest.TestCase):
    """One home, one data directory, one set of processes for each test."""

    maxDiff = None

    def setUp(self):
        self._ends = []
        self._postgres = None
        self.top = tempfile.mkdtemp(prefix="fortium-e2e-")
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.addCleanup(self._end_all)
        self.home = os.path.join(self.top, "home")
        os.mkdir(self.home, 0o700)
        self.data = os.path.join(self.home, ".local", "share", "fortium-metrics")
        self.database = os.path.join(self.data, "metrics.db")
        self.config = os.path.join(self.home, ".config", "fortium-metrics", "config.toml")

    def _end_all(self):
        for end in reversed(self._ends):
            end()

    def ends_with(self, end):
        """`end` runs when the test is over, in reverse order."""
        self._ends.append(end)

    def env(self, **extra):
        """A clean environment: nothing of the caller's but what the programs need to be found."""
        env = {"HOME": self.home, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "USER": "tester"}
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update({name: str(value) for name, value in extra.items() if value is not None})
        return env

    def start(self, *args, env=None, program=None, **how):
        """A process that is ended with the test, if it has not ended by then."""
        process = subprocess.Popen([program or BIN, *map(str, args)], env=env or self.env(), cwd=self.home, **how)
        self.ends_with(lambda: end_process(process))
        return process

    def cli(self, *args, input=None, env=None, code=None, timeout=120, program=None, **variables):
        """Runs one command to its end. `code` is the exit code it must have."""
        if isinstance(input, str):
            input = input.encode()
        start = time.monotonic()
        # A process group of its own is not needed: the programs start no others.
        process = self.start(*args, env=env or self.env(**variables), program=program, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(input if input is not None else b"", timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{args}: not done within {timeout} s; stderr: {err[-2000:]!r}")
        done = Done(process.returncode, out.decode("utf-8"), err.decode("utf-8"), time.monotonic() - start)
        if code is not None:
            self.assertEqual(done.code, code, f"{args}\nstdout: {done.out[-3000:]}\nstderr: {done.err[-3000:]}")
        return done

    def json(self, *args, code=DONE, **how):
        """The one JSON document that a command with --json writes."""
        done = self.cli(*args, "--json", code=code, **how)
        return json.loads(done.out)

    def status(self, code=DONE, **variables):
        return self.json("status", code=code, **variables)

    def record(self, count=1, **variables):
        """Records tool calls by the command line; their ids."""
        lines = "".join(json.dumps(tool_usage(n)) + "\n" for n in range(count))
        done = self.cli("record", "--json", "-", input=lines, code=DONE, **variables)
        return [json.loads(line)["id"] for line in done.out.splitlines()]

    def mcp(self, *args, **variables):
        session = Mcp(self, args, self.env(**variables))
        self.ends_with(session.kill)
        return session

    # The store, seen from outside. Only a copy is opened: no other SQLite library may touch the file while a program
    # of ours has it open.
    def store(self):
        copy = tempfile.mkdtemp(dir=self.top, prefix="copy-")
        for suffix in ("", "-wal", "-journal"):
            if os.path.exists(self.database + suffix):
                shutil.copyfile(self.database + suffix, os.path.join(copy, "metrics.db" + suffix))
        connection = sqlite3.connect(os.path.join(copy, "metrics.db"))
        self.addCleanup(connection.close)
        return connection

    def stored_ids(self):
        """Every id in the store, as often as it is there."""
        connection = self.store()
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        return [row[0] for kind in KINDS for row in connection.execute(f"SELECT id FROM {kind}")]

    def local_ledger(self):
        """{(day, kind): (count, digest)} as the store keeps it, over all destinations."""
        total = collections.defaultdict(lambda: (0, 0))
        for day, kind, count, digest_ in self.store().execute("SELECT day, kind, count, digest FROM ledger"):
            before = total[day, kind]
            total[day, kind] = (before[0] + count, (before[1] + int(digest_, 16)) % (1 << 128))
        return {key: (count, f"{digest_:032x}") for key, (count, digest_) in total.items()}

    def counted_ledger(self):
        """The same, counted anew from the records by other code."""
        connection = self.store()
        ids = collections.defaultdict(list)
        for kind in KINDS:
            for one, at in connection.execute(f"SELECT id, timestamp FROM {kind}"):
                ids[(time.strftime("%Y-%m-%d", time.gmtime(at / 1000)), kind)].append(one)
        return {key: (len(these), digest(these)) for key, these in ids.items()}

    def postgres(self):
        """The PostgreSQL of this test, made when it is first asked for."""
        if self._postgres is None:
            self._postgres = Postgres(self)
        return self._postgres

    def every_file(self):
        """(path, bytes) of all that lies under the home."""
        for folder, _, names in os.walk(self.home):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        yield path, file.read()

    def assertOnce(self, acknowledged, stored):
        """Every acknowledged id is stored exactly once."""
        counts = collections.Counter(stored)
        twice = [one for one, count in counts.items() if count > 1]
        self.assertEqual(len(twice), 0, f"stored more than once: {twice[:5]}")
        missing = [one for one in acknowledged if one not in counts]
        self.assertEqual(len(missing), 0, f"of {len(acknowledged)} acknowledged records are not stored: {missing[:5]}")


def main():
    if not os.path.exists(BIN):
        sys.exit(f"{BIN} is not built: cmake --preset dev && cmake --build --preset dev")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))  # so that cleanups run
    unittest.main(verbosity=1)
