"""What the tests of the real programs share. Standard library only, so that nothing here has our own bugs.

A test gets a home of its own, a clean environment, and ends what it started. Nobody sleeps to wait for something:
`until` polls a real condition and gives up at a deadline. Everything stays on loopback.
"""

import collections
import glob
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DEADLINE = 30.0  # seconds; a healthy program needs a small fraction of it
KINDS = {
    "command_execution": "command_executions",
    "tool_usage": "tool_usages",
    "agent_interaction": "agent_interactions",
    "user_session": "user_sessions",
    "productivity_metric": "productivity_metrics",
    "model_usage": "model_usages",
}
# Exit codes, as documented.
DONE, FAILED, USAGE, CONFIGURATION, UNREACHABLE, CREDENTIALS, PARTLY, STORE = range(8)


def _program(variable, name):
    path = os.environ.get(variable) or os.path.join(ROOT, "build", "dev", "bin", name)
    return os.path.abspath(path)


BIN = _program("FORTIUM_BIN", "fortium-metrics")
SERVER_BIN = _program("FORTIUM_SERVER_BIN", "fortium-metrics-server")
# Where the service keeps its records: sqlite, or postgres, then each test has a PostgreSQL of its own.
ON_POSTGRES = os.environ.get("FORTIUM_TEST_ENGINE", "sqlite") == "postgres"
about_files = unittest.skipIf(ON_POSTGRES, "is about the service's files")


def until(condition, what, deadline=DEADLINE):
    """The first true value of `condition`; polls, as there is nothing to wait on."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:.0f} s: {what}")
        time.sleep(0.005)


def hang_up(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()


def digest(ids):
    """The ledger's digest: the sum modulo 2^128 of the first 16 bytes of SHA-256 of each id in lower case."""
    total = 0
    for one in ids:
        total += int.from_bytes(hashlib.sha256(one.lower().encode()).digest()[:16], "big")
    return f"{total % (1 << 128):032x}"


def high_water(pid):
    """Peak resident memory of a living process, in bytes."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


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
        self.ends_with(lambda: _end(process))
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


def _end(process):
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def tool_usage(number=0, **more):
    return {"kind": "tool_usage", "tool_name": f"Tool{number % 7}", "execution_time_ms": number % 1000,
            "status": "success", **more}


CLIENT = {"name": "claude-code", "title": "Claude Code", "version": "2.1.0", "websiteUrl": "https://example.com"}
CAPABILITIES = {"roots": {"listChanged": True}, "elicitation": {"form": {}, "url": {}}}


class Mcp:
    """A session as Claude Code opens one: standard input, output and error are Unix sockets."""

    def __init__(self, case, args, env, reading=True):
        self.case = case
        self.lines = []  # what came on standard output, as bytes
        self.errors = b""
        self._answers = {}
        self._changed = threading.Condition()
        self._next = 0
        ours, theirs = zip(*(socket.socketpair() for _ in range(3)))
        self._in, self._out, self._err = ours
        self.process = subprocess.Popen([BIN, "mcp", *args], env=env, cwd=case.home, stdin=theirs[0], stdout=theirs[1],
                                        stderr=theirs[2])
        for end in theirs:
            end.close()
        self.pid = self.process.pid
        self._threads = [threading.Thread(target=self._read_errors, daemon=True)]
        if reading:
            self._threads.append(threading.Thread(target=self._read_answers, daemon=True))
        for thread in self._threads:
            thread.start()

    def _read_answers(self):
        rest = b""
        while True:
            try:
                data = self._out.recv(1 << 16)
            except OSError:
                data = b""
            rest += data
            *lines, rest = rest.split(b"\n")
            with self._changed:
                for line in lines:
                    self.lines.append(line)
                    self._take(line)
                if not data:
                    if rest:
                        self.lines.append(rest)
                    self._answers[None] = "end"
                self._changed.notify_all()
            if not data:
                return

    def _take(self, line):
        try:
            message = json.loads(line)
        except ValueError:
            return  # told by assertClean
        for one in message if isinstance(message, list) else [message]:
            if "method" not in one:
                self._answers.setdefault(json.dumps(one.get("id")), []).append(one)

    def _read_errors(self):
        while True:
            try:
                data = self._err.recv(1 << 16)
            except OSError:
                return
            if not data:
                return
            self.errors += data

    def raw(self, data):
        self._in.sendall(data)

    def send(self, *messages):
        """All in one write, as the client does."""
        self.raw(b"".join(json.dumps({"jsonrpc": "2.0", **one}, separators=(",", ":")).encode() + b"\n"
                          for one in messages))

    def message(self, method, params=None, id=None):
        """A request with an id of its own."""
        if id is None:
            id, self._next = self._next, self._next + 1
        return {"id": id, "method": method, **({"params": params} if params is not None else {})}

    def wait(self, id, deadline=DEADLINE):
        """The answer to `id`, which must be the only one."""
        key = json.dumps(id)
        with self._changed:
            self._changed.wait_for(lambda: key in self._answers or None in self._answers, deadline)
            if key not in self._answers:
                raise AssertionError(f"no answer to {id!r}; stderr: {self.errors[-1000:]!r}")
            answers = self._answers[key]
        if len(answers) != 1:
            raise AssertionError(f"{len(answers)} answers to {id!r}: {answers}")
        return answers[0]

    def request(self, method, params=None, id=None, deadline=DEADLINE):
        message = self.message(method, params, id)
        self.send(message)
        return self.wait(message["id"], deadline)

    def result(self, method, params=None):
        answer = self.request(method, params)
        if "result" not in answer:
            raise AssertionError(f"{method}: {answer}")
        return answer["result"]

    def initialize(self, version="2025-11-25"):
        """The probe, the handshake and what follows it, in the client's order and without waiting where it does not."""
        probe = self.request("server/discover", {"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": CLIENT,
            "io.modelcontextprotocol/clientCapabilities": CAPABILITIES}}, id="server-discover-probe-1")
        hello = self.result("initialize", {"protocolVersion": version, "capabilities": CAPABILITIES,
                                           "clientInfo": CLIENT})
        self.send({"method": "notifications/initialized"})
        return probe, hello

    def call_message(self, tool, arguments, use=None):
        number = self._next
        return self.message("tools/call", {"name": tool, "arguments": arguments,
                                           "_meta": {"claudecode/toolUseId": use or f"toolu_{number:024d}",
                                                     "progressToken": number}})

    def call(self, tool, arguments=None, deadline=DEADLINE):
        message = self.call_message(tool, arguments or {})
        self.send(message)
        answer = self.wait(message["id"], deadline)
        if "result" not in answer:
            raise AssertionError(f"{tool}: {answer}")
        return answer["result"]

    def record(self, number=0, **more):
        """One tool call; its id."""
        fields = {**tool_usage(number), **more}
        del fields["kind"]
        return recorded_id(self.call("record-tool-usage", fields))

    def acknowledged(self):
        """Ids of all records acknowledged so far."""
        with self._changed:
            answers = [one for key, these in self._answers.items() if key is not None for one in these]
        ids = []
        for one in answers:
            content = one.get("result", {}).get("structuredContent", {})
            if content.get("success") is True and "id" in content:
                ids.append(content["id"])
        return ids

    def close_input(self):
        self._in.shutdown(socket.SHUT_WR)

    def wait_end(self, deadline=DEADLINE):
        """The exit code; everything the program wrote has been read then."""
        code = self.process.wait(deadline)
        for thread in self._threads:
            thread.join(deadline)
        return code

    def end(self, by=None):
        """Ends the session by end of input or a signal; the exit code and how long it took."""
        start = time.monotonic()
        if by is None:
            self.close_input()
        else:
            self.process.send_signal(by)
        self.process.wait(DEADLINE)
        took = time.monotonic() - start
        return self.wait_end(), took

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.wait_end()
        for end in (self._in, self._out, self._err):
            end.close()

    def assertClean(self, silent=True):
        """Nothing but the protocol on standard output, and nothing on standard error."""
        for line in self.lines:
            message = json.loads(line.decode("utf-8"))
            for one in message if isinstance(message, list) else [message]:
                self.case.assertEqual(one.get("jsonrpc"), "2.0", line)
                self.case.assertTrue(("result" in one) != ("error" in one) or "method" in one, line)
        if silent:
            self.case.assertEqual(self.errors, b"")


def recorded_id(result):
    if result.get("isError") or not result["structuredContent"]["success"]:
        raise AssertionError(f"not recorded: {result}")
    return result["structuredContent"]["id"]


class Service:
    """The real service, with one organization and a key of it: in a directory, or in the database of a URL.

    Without a URL it is in a directory, or where FORTIUM_TEST_ENGINE says so in a database of the test's PostgreSQL."""

    def __init__(self, case, organization="acme", database=None, place=None, **variables):
        self.case = case
        self.data = os.path.join(place or case.top, f"service-{uuid.uuid4().hex[:8]}")
        if database is None and ON_POSTGRES:
            database = case.postgres().database()
        self.store = ["--database-url", database] if database else ["--data", self.data]
        self.env = case.env(RATE_LIMIT_MAX_REQUESTS=100_000_000, **variables)
        self.key = self.add_organization(organization)
        self.organization = organization
        self.process = None
        self.port = 0
        self.serve()

    @staticmethod
    def built():
        return os.path.exists(SERVER_BIN)

    def tell(self, *args):
        done = self.case.cli(*args, *self.store, "--json", program=SERVER_BIN, env=self.env, code=DONE)
        return json.loads(done.out)

    def add_organization(self, name, scopes="ingest,read"):
        self.tell("tenant", "create", name)
        return self.tell("key", "create", "--tenant", name, "--scope", scopes)["key"]

    def serve(self):
        log = os.path.join(self.case.top, f"service-{uuid.uuid4().hex[:8]}.log")
        with open(log, "wb") as out:
            self.process = self.case.start("serve", "--listen", f"127.0.0.1:{self.port}", *self.store,
                                           program=SERVER_BIN, env=self.env, stdin=subprocess.DEVNULL, stdout=out,
                                           stderr=subprocess.STDOUT)

        def address():
            with open(log, errors="replace") as text:
                said = text.read()
            found = re.search(r"127\.0\.0\.1:(\d+)", said)
            if found is None and self.process.poll() is not None:
                raise AssertionError(f"the service ended: {said[-2000:]}")
            return found

        self.port = int(until(address, "the service tells its address").group(1))
        self.url = f"http://127.0.0.1:{self.port}"
        until(lambda: self.get("/healthz", authorized=False)[0] == 200, "the service is up")

    def revive(self):
        """As its keeper does: again and again, as without its database it ends."""
        def lives():
            try:
                self.serve()
            except AssertionError:
                return False
            return True
        until(lives, "the service stays")

    def stop(self):
        """Ends it well, if it has not ended."""
        if self.process.poll() is None:
            self.process.terminate()
            self.case.assertEqual(self.process.wait(DEADLINE), DONE)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def another(self):
        """Another process on the same store, with the same key."""
        other = object.__new__(Service)
        other.__dict__.update(self.__dict__, port=0)
        other.serve()
        return other

    def copied(self):
        """A copy of the store, for `store`; who copies stops the service first."""
        if self.store[0] == "--database-url":
            return ["--database-url", self.case.postgres().copied(self.store[1])]
        copy = os.path.join(self.case.top, f"service-{uuid.uuid4().hex[:8]}")
        shutil.copytree(self.store[1], copy)
        return ["--data", copy]

    def get(self, path, authorized=True, key=None):
        headers = {"Authorization": f"Bearer {key or self.key}"} if authorized else {}
        return http_get(self.port, path, headers)

    def ledger(self, key=None):
        """{(day, kind): (count, digest)} as the service counts."""
        return {(row["day"], row["kind"]): (row["count"], row["digest"]) for row in self._ledger_rows("", key)}

    def ids(self, key=None):
        """{id: how often} as the service names them."""
        return collections.Counter(one for row in self._ledger_rows("&ids=1", key) for one in row["ids"])

    def _ledger_rows(self, more, key):
        cursor = ""
        while True:
            status, body = self.get("/api/v1/metrics/ledger?from=2000-01-01&to=2100-01-01" + more + cursor, key=key)
            if status != 200:
                raise AssertionError(f"ledger: {status} {body!r}")
            answer = json.loads(body)
            yield from answer["days"]
            if not answer.get("next_cursor"):
                return
            cursor = "&cursor=" + answer["next_cursor"]

    def settings(self, key=None, url=None, organization=None):
        """The environment of a program that sends here."""
        return {"FORTIUM_METRICS_URL": url or self.url, "FORTIUM_API_KEY": key or self.key,
                "FORTIUM_ORG_ID": organization or self.organization}


class Postgres:
    """A PostgreSQL of the test's own, on a socket in its directory. It waits for the disk, as in earnest."""

    def __init__(self, case, **settings):
        self.case = case
        self.settings = {"listen_addresses": "", "shared_buffers": "16MB", **settings}
        self.directory = tempfile.mkdtemp(prefix="fortium-e2e-pg-")
        case.ends_with(lambda: shutil.rmtree(self.directory, ignore_errors=True))
        self.user = {}
        if os.getuid() == 0:  # as which PostgreSQL does not run
            shutil.chown(self.directory, "postgres", "postgres")
            self.user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        data = os.path.join(self.directory, "data")
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.process = None
        self.serve()
        self.tell("CREATE ROLE fortium LOGIN CREATEROLE PASSWORD 'open-sesame'")
        self.databases = 0

    @staticmethod
    def programs():
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
        return os.path.dirname(found[-1]) if found else ""

    def _run(self, name, *args):
        subprocess.run([os.path.join(self.programs(), name), *args], check=True, stdout=subprocess.DEVNULL,
                       env=self.case.env(), cwd="/", **self.user)

    def serve(self):
        self.process = subprocess.Popen(
            [os.path.join(self.programs(), "postgres"), "-D", os.path.join(self.directory, "data"), "-k",
             self.directory, *(word for one in self.settings.items() for word in ("-c", "=".join(one)))],
            env=self.case.env(), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.user)
        self.case.ends_with(lambda process=self.process: (process.send_signal(signal.SIGQUIT), process.wait(DEADLINE)))
        until(lambda: subprocess.run([os.path.join(self.programs(), "pg_isready"), "-q", "-h", self.directory],
                                     check=False).returncode == 0, "PostgreSQL takes connections")

    def kill(self):
        """Without a word to anybody: it recovers from its log."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(DEADLINE)

    def tell(self, sql):
        self._run("psql", "-q", "-h", self.directory, "-U", "postgres", "-c", sql, "postgres")

    def ask(self, sql, database):
        """The first value of the answer."""
        return subprocess.run([os.path.join(self.programs(), "psql"), "-qAt", "-h", self.directory, "-U", "postgres",
                               "-c", sql, database], check=True, env=self.case.env(), cwd="/", stdout=subprocess.PIPE,
                              text=True, **self.user).stdout.strip()

    def database(self, how=""):
        """The URL of a new one, whose owner is no superuser."""
        self.databases += 1
        name = f"metrics{self.databases}"
        self.tell(f"CREATE DATABASE {name} OWNER fortium {how}")
        return f"postgresql://fortium:open-sesame@/{name}?host={self.directory}"

    def copied(self, url):
        """The URL of a copy of a database that nobody is connected to."""
        return self.database("TEMPLATE " + re.search(r"@/(\w+)", url).group(1))

    def hold(self, table, url):
        """Nobody reads or writes the table until what is returned is called. `*`: the one there is of that name."""
        name = re.search(r"@/(\w+)", url).group(1)
        if table.startswith("*."):
            table = self.ask(f"SELECT schemaname || '.{table[2:]}' FROM pg_tables WHERE tablename = '{table[2:]}'", name)
        holder = subprocess.Popen([os.path.join(self.programs(), "psql"), "-qAt", "-h", self.directory, "-U", "postgres",
                                   name], env=self.case.env(), cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, **self.user)
        self.case.ends_with(lambda: (holder.kill(), holder.wait(), holder.stdin.close(), holder.stdout.close()))
        holder.stdin.write(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
        holder.stdin.flush()
        self.case.assertEqual(holder.stdout.readline().strip(), "held")

        def let_go():
            holder.stdin.write("COMMIT; SELECT 'free';\n")
            holder.stdin.flush()
            self.case.assertEqual(holder.stdout.readline().strip(), "free")
        return let_go

    def waiting(self, url):
        """How many wait for a lock."""
        return int(self.ask("SELECT count(*) FROM pg_locks WHERE NOT granted", re.search(r"@/(\w+)", url).group(1)))

    def backends(self):
        """The processes that work for a connection."""
        children = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], check=False,
                                  stdout=subprocess.PIPE, text=True).stdout
        return [int(line.split()[0]) for line in children.splitlines() if " fortium " in line]


def http_get(port, path, headers=None):
    """(status, body) of one plain request to loopback."""
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


Request = collections.namedtuple("Request", "method path headers body")  # header names in lower case; body as JSON


class Peer:
    """An HTTP peer that does what a test tells it to, well or badly.

    `on(method, path)` decides: a Reply, or a function of the request that gives one. Everything received is kept in
    `requests`. Without orders it behaves as the documented service, and counts each id once in `ids`.
    """

    KEY = "fm_peer_0123456789abcdef"

    def __init__(self, case, context=None, host="127.0.0.1"):
        self.requests = []
        self.connections = 0
        self.ids = {}  # id -> how often it was sent
        self.limits = {"max_batch_records": 1000, "max_body_bytes": 10 << 20}
        self.encodings = ["gzip"]
        self.organization = {"id": "acme", "name": "acme"}
        self.server_time = None
        self.scopes = ["ingest"]
        self._orders = {}
        self._lock = threading.Lock()
        self._open = set()
        self._ending = False
        self._context = context
        self._listener = socket.create_server((host, 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()
        case.ends_with(self.close)

    def settings(self, **more):
        return {"FORTIUM_METRICS_URL": self.url, "FORTIUM_API_KEY": self.KEY, "FORTIUM_ORG_ID": "acme",
                "FORTIUM_RETRY_ATTEMPTS": 0, "FORTIUM_TIMEOUT": 5000, **more}

    def on(self, path, order):
        """`order`: a Reply for every request to `path`, or a function of the request that gives one."""
        self._orders[path] = order

    def batch(self, order):
        self.on("/api/v1/metrics/batch", order)

    def posts(self):
        with self._lock:
            return [one for one in self.requests if one.path == "/api/v1/metrics/batch"]

    def close(self):
        self._ending = True
        with self._lock:
            hang_up(self._listener, *self._open)

    def _accept(self):
        while not self._ending:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
                self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, raw):
        connection = raw
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(raw, server_side=True)
                with self._lock:
                    self._open.add(connection)
            stream = connection.makefile("rb")
            while (request := self._read(stream)) is not None:
                with self._lock:
                    self.requests.append(request)
                order = self._orders.get(request.path.split("?")[0], self.honest)
                reply = order(request) if callable(order) else order
                if not reply.send(connection):
                    return
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
                self._open.discard(raw)
            connection.close()

    @staticmethod
    def _read(stream):
        line = stream.readline(1 << 16).decode("latin-1").split()
        if len(line) < 3:
            return None
        headers = {}
        while (header := stream.readline(1 << 16).strip()) != b"":
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return Request(line[0], line[1], headers, json.loads(body) if body else None)

    def honest(self, request):
        """What a service answers that does as documented."""
        if request.path == "/api/v1/capabilities":
            now = self.server_time or time.time()
            told = {"service": "peer", "version": "1", "organization": self.organization, "scopes": self.scopes,
                    "server_time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now)), "limits": self.limits,
                    "encodings": self.encodings, "features": ["receipts"]}
            return Reply(200, told)
        if request.path == "/api/v1/metrics/batch":
            return Reply(200, self.receipt(request))
        if request.path == "/health":
            return Reply(200, {"status": "ok"})
        return Reply(404, {"success": False, "message": "no such path"})

    def receipt(self, request, status=lambda record: None):
        """A complete receipt. `status` may give the line of one record."""
        results = []
        counts = dict.fromkeys(KINDS.values(), 0)
        with self._lock:
            for key in KINDS.values():
                for record in request.body.get(key, []):
                    line = status(record) or {}
                    if not line or line["status"] in ("accepted", "duplicate"):
                        seen = self.ids.get(record["id"], 0)
                        self.ids[record["id"]] = seen + 1
                        counts[key] += 1
                        line = line or {"status": "duplicate" if seen else "accepted"}
                    results.append({"index": len(results), "id": record["id"], **line})
        return {"success": True, "batch_id": request.body["batch_id"], "data": {**counts, "processing_time_ms": 1.0},
                "results": results, "limits": self.limits}


class Reply:
    """An answer, good or bad. `cut` sends only so many bytes of it and then closes."""

    def __init__(self, status=200, body=b"", headers=None, raw=None, cut=None):
        self.status = status
        self.headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            self.headers.setdefault("Content-Type", "application/json")
        self.body = body
        self.raw = raw
        self.cut = cut

    def bytes(self):
        if self.raw is not None:
            return self.raw
        lines = [f"HTTP/1.1 {self.status} Reason"]
        headers = {"Content-Length": str(len(self.body)), **self.headers}
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body

    def send(self, connection):
        """Whether the connection may go on."""
        data = self.bytes()
        if self.cut is not None:
            data = data[:self.cut]
        connection.sendall(data)
        return self.cut is None and self.raw is None


class Slow(Reply):
    """Sends `data` in pieces with pauses, for as long as anybody listens: a slow-loris the other way round."""

    def __init__(self, data, pause=0.1, piece=1):
        super().__init__()
        self.data, self.pause, self.piece = data, pause, piece

    def send(self, connection):
        for at in range(0, len(self.data), self.piece):
            connection.sendall(self.data[at:at + self.piece])
            time.sleep(self.pause)  # this is the misbehaviour itself, not a wait for something
        return False


class Silent(Reply):
    """Never answers; holds the connection until the other side leaves."""

    def send(self, connection):
        while connection.recv(4096):
            pass
        return False


class Endless(Reply):
    """Headers, and then a body that does not end."""

    def __init__(self, head=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", piece=b"x" * 65536,
                 most=1 << 30):
        super().__init__()
        self.head, self.piece, self.most = head, piece, most
        self.sent = 0

    def send(self, connection):
        connection.sendall(self.head)
        while self.sent < self.most:
            connection.sendall(self.piece)
            self.sent += len(self.piece)
        return False


class Reset(Reply):
    """Closes so that the other side sees a reset."""

    def send(self, connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


class Cutter:
    """A TCP proxy that can lose answers: for a request it is told to lose, the request arrives at the service as it is,
    and the connection to the client is cut before the answer comes through."""

    def __init__(self, case, port, lose=lambda number: False):
        self.lose = lose  # of the number of the batch, from 1
        self.batches = 0
        self.lost = 0
        self._to = port
        self._lock = threading.Lock()
        self._open = set()
        self._ending = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()
        case.ends_with(self.close)

    def close(self):
        self._ending = True
        with self._lock:
            hang_up(self._listener, *self._open)

    def _accept(self):
        while not self._ending:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            service = socket.create_connection(("127.0.0.1", self._to))
        except OSError:
            client.close()
            return
        with self._lock:
            self._open |= {client, service}
        try:
            from_client, from_service = client.makefile("rb"), service.makefile("rb")
            while True:
                request = self._message(from_client)
                if request is None:
                    return
                losing = False
                if b" /api/v1/metrics/batch " in request.split(b"\r\n", 1)[0]:
                    with self._lock:
                        self.batches += 1
                        losing = self.lose(self.batches)
                        self.lost += losing
                service.sendall(request)
                answer = self._message(from_service)  # it has been processed
                if answer is None or losing:
                    return
                client.sendall(answer)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= {client, service}
            client.close()
            service.close()

    @staticmethod
    def _message(stream):
        """One HTTP message with its body, as it came."""
        head = b""
        length, chunked = 0, False
        while True:
            line = stream.readline(1 << 16)
            if not line:
                return None
            head += line
            name, _, value = line.strip().lower().partition(b":")
            if name == b"content-length":
                length = int(value)
            chunked = chunked or (name == b"transfer-encoding" and b"chunked" in value)
            if line in (b"\r\n", b"\n"):
                break
        if not chunked:
            return head + stream.read(length)
        while True:
            line = stream.readline(1 << 16)
            head += line
            size = int(line.split(b";")[0], 16)
            head += stream.read(size + 2)
            if size == 0:
                return head


class Authority:
    """A certificate authority of our own, made with the openssl command."""

    def __init__(self, case):
        self.dir = os.path.join(case.top, f"authority-{uuid.uuid4().hex[:8]}")
        os.mkdir(self.dir)
        self.ca = os.path.join(self.dir, "ca.pem")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                  "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", "/CN=Test authority", "-addext",
                  "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _run(self, *args):
        done = subprocess.run(["openssl", *args], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise AssertionError(f"openssl {args[0]}: {done.stdout.decode()}")

    def context(self, names="IP:127.0.0.1,DNS:localhost", begin=None, end=None, own=False):
        """What a server needs to be `names`. Times are written as openssl ca takes them: YYYYMMDDHHMMSSZ."""
        name = uuid.uuid4().hex[:8]
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key",
                  "-out", f"{name}.csr", "-subj", "/CN=service")
        with open(os.path.join(self.dir, f"{name}.cnf"), "w") as file:
            file.write("[ca]\ndefault_ca=own\n[own]\ndatabase=%s.db\nnew_certs_dir=.\nserial=%s.srl\ndefault_md=sha256\n"
                       "policy=any\nx509_extensions=ext\n[any]\ncommonName=supplied\n[ext]\nsubjectAltName=%s\n"
                       "basicConstraints=CA:FALSE\n" % (name, name, names))
        open(os.path.join(self.dir, f"{name}.db"), "w").close()
        with open(os.path.join(self.dir, f"{name}.srl"), "w") as file:
            file.write(f"{uuid.uuid4().int >> 66:016X}\n")
        signer = ["-selfsign", "-keyfile", f"{name}.key"] if own else ["-cert", "ca.pem", "-keyfile", "ca.key"]
        now = time.time()
        stamp = "%Y%m%d%H%M%SZ"
        self._run("ca", "-batch", "-notext", "-config", f"{name}.cnf", *signer, "-in", f"{name}.csr", "-out",
                  f"{name}.pem", "-startdate", begin or time.strftime(stamp, time.gmtime(now - 86400)), "-enddate",
                  end or time.strftime(stamp, time.gmtime(now + 86400)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(self.dir, f"{name}.pem"), os.path.join(self.dir, f"{name}.key"))
        return context


def main():
    if not os.path.exists(BIN):
        sys.exit(f"{BIN} is not built: cmake --preset dev && cmake --build --preset dev")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))  # so that cleanups run
    unittest.main(verbosity=1)
