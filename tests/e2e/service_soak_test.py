#!/usr/bin/python3
"""The service under everything at once, for as long as it is given: writers that replay, readers, kill -9 on either side.

    FORTIUM_TEST_SECONDS=600 tests/e2e/service_soak_test.py
    FORTIUM_TEST_ENGINE=postgres FORTIUM_TEST_SECONDS=600 tests/e2e/service_soak_test.py

In the first half everything is killed again and again. In the second the service is left alive (its PostgreSQL is not),
and must not grow. At the end every acknowledged record is counted once, by id, by digest, by sum and by `check`. With
FORTIUM_TEST_SOAK naming a file, what was tried is appended to it as one line of JSON.
"""

import collections
import http.client
import json
import os
import random
import re
import statistics
import threading
import time
import unittest
import uuid

import support
from support import DEADLINE, digest, until

SECONDS = float(os.environ.get("FORTIUM_TEST_SECONDS", "16"))
SEED = os.environ.get("FORTIUM_TEST_SEED", "1")
TOLD = os.environ.get("FORTIUM_TEST_SOAK")
DAY = "2026-01-02"
MIB = 1 << 20
# What a service may say while it, or its database, is being killed: that it is not ready. Never that it failed.
BUSY = {429, 503}


class Client:
    """One connection, opened again whenever it breaks."""

    def __init__(self, service, key):
        self.service, self.key = service, key
        self.connection = None

    def ask(self, method, path, body=None, **headers):
        """(status, headers, body), or None: whether it was done nobody knows."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["Authorization"] = f"Bearer {self.key}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=DEADLINE)
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return None

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


def memory(pid):
    """Bytes that are the process's own, and its open files."""
    with open(f"/proc/{pid}/status") as file:
        own = int(re.search(r"^RssAnon:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024
    return own, len(os.listdir(f"/proc/{pid}/fd"))


@unittest.skipUnless(support.Service.built(), f"{support.SERVER_BIN} is not built")
class Soak(support.Case):
    def test_everything_at_once(self):
        self.service = support.Service(self)
        self.chance = random.Random(SEED)
        self.lock = threading.Lock()
        self.acknowledged = collections.defaultdict(set)  # by organization
        self.tried = collections.Counter()
        self.wrong = []
        self.stop = threading.Event()
        self.keys = {name: self.service.key if name == "acme" else self.service.add_organization(name)
                     for name in ("acme", "umbrella", "talkers")}
        work = [(self.write_batches, "acme"), (self.write_batches, "umbrella"), (self.write_singles, "acme"),
                (self.write_sessions, "umbrella"), (self.read, "acme"), (self.read, "umbrella"), (self.talk, "talkers")]
        threads = [threading.Thread(target=self.guarded, args=(one, name, random.Random(f"{SEED}-{n}")))
                   for n, (one, name) in enumerate(work)]
        for thread in threads:
            thread.start()
        try:
            self.kill_everything(time.monotonic() + SECONDS / 2)
            seen = self.watch(time.monotonic() + SECONDS / 2)
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(self.wrong, [])
        self.check_counts()
        self.tell(self.growth(seen))

    # ---- what is done to it -----------------------------------------------------------------------------------------

    def hurt_postgres(self):
        postgres = self.postgres()
        if self.chance.random() < 0.5:
            for pid in postgres.backends()[:1]:
                os.kill(pid, 9)  # upon which PostgreSQL ends all others, and recovers
                self.tried["backends killed"] += 1
            return
        postgres.kill()
        postgres.serve()
        self.tried["databases killed"] += 1

    def kill_everything(self, end):
        while time.monotonic() < end and not self.stop.is_set():
            self.stop.wait(self.chance.uniform(0.3, 3))
            if support.ON_POSTGRES and self.chance.random() < 0.5:
                self.hurt_postgres()
                continue
            self.service.kill()
            self.tried["services killed"] += 1
            self.service.revive()

    def watch(self, end):
        """The service's memory and files while it lives."""
        seen = []
        pause = (end - time.monotonic()) / 8
        hurt = time.monotonic() + pause
        while time.monotonic() < end and not self.stop.is_set():
            self.stop.wait(min(0.25, SECONDS / 100))
            seen.append(memory(self.service.process.pid))
            if support.ON_POSTGRES and time.monotonic() > hurt:
                self.hurt_postgres()
                hurt = time.monotonic() + pause
        return seen

    def growth(self, seen):
        """Medians of the second and the last quarter."""
        quarter = len(seen) // 4
        before, after = ({"mib": statistics.median(one[0] for one in part) / MIB,
                          "files": statistics.median(one[1] for one in part)}
                         for part in (seen[quarter:2 * quarter + 1], seen[3 * quarter:]))
        self.assertLess(after["mib"], before["mib"] * 1.25 + 8, "the service's memory grows")
        self.assertLess(after["files"], before["files"] + 16, "the service's open files grow")
        return {"mib_before": round(before["mib"], 1), "mib_after": round(after["mib"], 1),
                "files_before": before["files"], "files_after": after["files"]}

    # ---- who uses it ------------------------------------------------------------------------------------------------

    def guarded(self, work, name, chance):
        client = Client(self.service, self.keys[name])
        try:
            while not self.stop.is_set():
                work(client, name, chance)
        except BaseException as trouble:
            with self.lock:
                self.wrong.append(f"{work.__name__}: {trouble!r}")
            self.stop.set()
        finally:
            client.close()

    def deliver(self, client, method, path, body, **headers):
        """The answer to a request that is sent until it is answered well."""
        end = time.monotonic() + 4 * DEADLINE
        while True:
            answer = client.ask(method, path, body, **headers)
            self.count("requests")
            if answer is not None and answer[0] in (200, 201):
                return json.loads(answer[2])
            if answer is not None and answer[0] not in BUSY:
                raise AssertionError(f"{method} {path}: {answer[0]} {answer[2][:300]}")
            if time.monotonic() > end:
                raise AssertionError(f"{method} {path}: not for a long time: {answer}")
            self.count("replayed")
            time.sleep(0.01)  # as a client does that is told to wait

    def count(self, what, by=1):
        with self.lock:
            self.tried[what] += by

    def keep(self, name, ids):
        with self.lock:
            self.acknowledged[name].update(ids)

    @staticmethod
    def record(chance, **more):
        return {"id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
                "timestamp": f"{DAY}T{chance.randrange(24):02d}:{chance.randrange(60):02d}:05.678Z",
                "session_id": f"s{chance.randrange(40)}", "user_id": f"u{chance.randrange(9)}", **more}

    def tool(self, chance):
        return self.record(chance, tool_name=f"Tool{chance.randrange(9)}", execution_time_ms=chance.randrange(5000) / 4,
                           status=chance.choice(("success", "error")))

    def write_batches(self, client, name, chance):
        tools = [self.tool(chance) for _ in range(chance.choice((1, 5, 20, 100)))]
        commands = [self.record(chance, command_name="/plan", execution_time_ms=1, status="success")
                    for _ in range(chance.randrange(5))]
        body = json.dumps({"batch_id": str(uuid.uuid4()), "device_id": f"d{chance.randrange(5)}", "tool_usages": tools,
                           "command_executions": commands})
        answer = self.deliver(client, "POST", "/api/v1/metrics/batch", body, Idempotency_Key=str(uuid.uuid4()))
        kept = [line["id"] for line in answer["results"] if line["status"] in ("accepted", "duplicate")]
        if len(kept) != len(tools) + len(commands):
            raise AssertionError(f"not all of a batch: {answer}")
        self.keep(name, kept)

    def write_singles(self, client, name, chance):
        answer = self.deliver(client, "POST", "/api/v1/metrics/tool-usage", json.dumps(self.tool(chance)))
        self.keep(name, [answer["data"]["id"]])

    def write_sessions(self, client, name, chance):
        """A whole session, in three changes."""
        session = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        for path, method in (("start", "POST"), (session, "PUT"), ("end", "POST")):
            change = {"id": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "timestamp": f"{DAY}T03:04:05.678Z"}
            if path != session:
                change["session_id"] = session
            else:
                change["context"] = {"event": "turn"}
            self.deliver(client, method, f"/api/v1/metrics/session/{path}", json.dumps(change))
            self.keep(name, [change["id"]])

    def read(self, client, name, chance):
        del name
        path = chance.choice(("summary", "tools", "sessions?limit=5", "days", "errors?format=csv", "ledger",
                              "export?kind=tool_usage&format=json&limit=50", "../dashboard/summary", "../dashboard/charts"))
        path += ("&" if "?" in path else "?") + f"from={DAY}&to={DAY}"
        path = "/api/v1/metrics/" + path if not path.startswith("../") else "/api/v1/" + path[3:]
        answer = client.ask("GET", path)
        self.count("questions")
        if answer is not None and answer[0] not in BUSY | {200}:
            raise AssertionError(f"GET {path}: {answer[0]} {answer[2][:300]}")
        self.stop.wait(0.02)

    def talk(self, client, name, chance):
        """By MCP a record has no id of the caller's: who hears nothing cannot know, and does not ask again."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "record-tool-usage", "arguments": {"tool_name": "T", "execution_time_ms": 1, "status": "success"}}}
        answer = client.ask("POST", "/mcp/v1/request", json.dumps(message), Accept="application/json",
                            MCP_Protocol_Version="2025-11-25")
        self.count("calls")
        if answer is None:
            self.count("calls without an answer")
        elif answer[0] == 200:
            result = json.loads(answer[2])["result"]
            if not result["isError"]:
                self.keep(name, [result["structuredContent"]["id"]])
        elif answer[0] not in BUSY:
            raise AssertionError(f"/mcp/v1/request: {answer[0]} {answer[2][:300]}")
        self.stop.wait(chance.uniform(0, 0.05))

    # ---- what is there ----------------------------------------------------------------------------------------------

    def check_counts(self):
        until(lambda: self.service.get("/readyz", authorized=False)[0] == 200, "the service is ready")
        for name, ours in self.acknowledged.items():
            key = self.keys[name]
            counted = self.service.ids(key)
            self.assertEqual([one for one, n in counted.items() if n != 1], [], "counted more than once")
            self.assertEqual(ours - set(counted), set(), "acknowledged, and not counted")
            strangers = set(counted) - ours
            if name == "talkers":
                self.assertLessEqual(len(strangers), self.tried["calls without an answer"])
            else:
                self.assertEqual(strangers, set(), "nobody was told of these")
            ledger = self.service.ledger(key)
            self.assertEqual(sum(count for count, _ in ledger.values()), len(counted))
            total = sum(int(value, 16) for _, value in ledger.values()) % (1 << 128)
            self.assertEqual(f"{total:032x}", digest(counted))
            totals = json.loads(self.service.get(f"/api/v1/metrics/summary?from={DAY}&to={DAY}", key=key)[1])["totals"]
            if name != "talkers":
                self.assertEqual(totals["tools"], sum(count for (_, kind), (count, _) in ledger.items() if kind == "tool_usage"))
        self.assertTrue(self.service.tell("check")["ok"])

    def tell(self, grown):
        if TOLD:
            told = {"engine": "postgres" if support.ON_POSTGRES else "sqlite", "seconds": SECONDS, "seed": SEED,
                    "acknowledged": sum(map(len, self.acknowledged.values())), **dict(self.tried), **grown}
            with open(TOLD, "a") as file:
                file.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    support.main()
