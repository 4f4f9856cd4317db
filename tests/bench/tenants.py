#!/usr/bin/python3
"""What many organizations on one PostgreSQL cost: how long each takes to be made, what is kept in memory, how fast
records come in when every request is of another one, and where it begins to hurt.

    tests/bench/tenants.py [--steps 10 100 300 1000] [--seconds 20] [--connections 4]

It starts a PostgreSQL and a service of its own, makes organizations step by step, and at each step measures the same:
requests with 20 records, each of an organization chosen at random, closed loop over some connections. `first_ms` is the
median of a request that is the first of its organization on its database connection, whose backend then learns its
tables; the other times are those of backends that know them all. Latency is to be compared with the first step: the same
machine, minutes earlier. Memory is what each process has for itself.
"""

import argparse
import glob
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

import support  # noqa: E402: found by the line above

MIB = 1 << 20
RECORDS = 20


def own_memory(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            return int(re.search(r"^RssAnon:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024
    except (OSError, AttributeError):
        return 0


class Tenants(support.Case):
    def begin(self):
        self.setUp()
        # As an administrator would give it: the rest is as it comes.
        self.server = support.Postgres(self, shared_buffers="256MB", max_wal_size="2GB", max_connections="60")
        self.service = support.Service(self, database=self.server.database())
        self.admin = self.service.tell("key", "create", "--tenant", "acme", "--scope", "super_admin")["key"]
        self.keys = []

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=support.DEADLINE)

    @staticmethod
    def post(connection, path, key, body):
        connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {key}",
                                                            "Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            sys.exit(f"{path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    def grow(self, count):
        """Milliseconds that the last ones took, each."""
        connection, took = self.connect(), []
        while len(self.keys) < count:
            begin = time.perf_counter()
            made = self.post(connection, "/api/v1/admin/tenants", self.admin, {"name": f"organization {len(self.keys)}"})
            took.append((time.perf_counter() - begin) * 1000)
            self.keys.append(made["data"]["key"])
        took = sorted(took[-100:])
        return took[len(took) // 2] if took else 0

    def batch(self, dice):
        return {"batch_id": str(uuid.uuid4()), "device_id": "laptop", "tool_usages": [
            {"id": str(uuid.UUID(int=dice.getrandbits(128), version=4)), "timestamp": "2026-01-02T03:04:05.678Z",
             "session_id": f"s{dice.randrange(9)}", "user_id": f"u{dice.randrange(9)}", "status": "success",
             "tool_name": f"T{dice.randrange(9)}", "execution_time_ms": dice.randrange(1000)} for _ in range(RECORDS)]}

    def load(self, seconds, connections):
        """Sorted milliseconds of the requests."""
        took, lock, end = [], threading.Lock(), time.monotonic() + seconds

        def send(number):
            dice, connection, mine = random.Random(f"{len(self.keys)}-{number}"), self.connect(), []
            while time.monotonic() < end:
                key, body = dice.choice(self.keys), self.batch(dice)
                begin = time.perf_counter()
                self.post(connection, "/api/v1/metrics/batch", key, body)
                mine.append((time.perf_counter() - begin) * 1000)
            with lock:
                took.extend(mine)
        threads = [threading.Thread(target=send, args=(number,)) for number in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(took)

    def timed(self, *words):
        begin = time.perf_counter()
        self.cli(*words, *self.service.store, program=support.SERVER_BIN, env=self.service.env, code=support.DONE,
                 timeout=3600)
        return time.perf_counter() - begin

    def restart(self):
        """Seconds; every backend is new then."""
        self.service.stop()
        begin = time.perf_counter()
        self.service.serve()
        return time.perf_counter() - begin

    def first(self):
        """Median milliseconds of the first request of some organizations, over one connection."""
        dice, connection, took = random.Random(len(self.keys)), self.connect(), []
        self.post(connection, "/api/v1/metrics/batch", self.service.key, self.batch(dice))
        for key in dice.sample(self.keys, min(len(self.keys), 100)):
            body = self.batch(dice)
            begin = time.perf_counter()
            self.post(connection, "/api/v1/metrics/batch", key, body)
            took.append((time.perf_counter() - begin) * 1000)
        return sorted(took)[len(took) // 2]

    def measure(self, count, options):
        made = self.grow(count)
        start = self.restart()
        first = self.first()
        self.load(2 + count * options.connections * first / 500, options.connections)  # all know all of them by then
        took = self.load(options.seconds, options.connections)
        backends = [own_memory(pid) for pid in self.server.backends()]
        name = re.search(r"@/(\w+)", self.service.store[1]).group(1)
        relations = int(self.server.ask("SELECT count(*) FROM pg_class", name))
        catalog = int(self.server.ask("SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
                                      "WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'", name))
        files = len(glob.glob(os.path.join(self.server.directory, "data", "base", "*", "*")))
        resident = own_memory(self.service.process.pid)
        migrate = self.timed("migrate")
        check = self.timed("check") if count <= options.check else None
        return {"organizations": count, "made_ms": round(made, 1), "first_ms": round(first, 1), "p50_ms": round(took[len(took) // 2], 1),
                "p99_ms": round(took[len(took) * 99 // 100], 1), "records_per_s": round(len(took) * RECORDS / options.seconds),
                "server_mib": round(resident / MIB, 1), "backends": len(backends),
                "backend_mib": round(max(backends, default=0) / MIB, 1), "backends_mib": round(sum(backends) / MIB, 1),
                "relations": relations, "catalog_mib": round(catalog / MIB, 1), "files": files,
                "migrate_s": round(migrate, 2), "check_s": None if check is None else round(check, 2),
                "start_s": round(start, 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 100, 300, 1000])
    parser.add_argument("--seconds", type=float, default=20, help="of load at each step")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--check", type=int, default=300, help="steps up to this one are also recounted")
    options = parser.parse_args()
    if not support.Service.built() or not support.Postgres.programs():
        sys.exit("the service is not built, or PostgreSQL is not installed")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))  # so that what was started ends
    case = Tenants()
    try:
        case.begin()
        rows = []
        for count in options.steps:
            rows.append(case.measure(count, options))
            if len(rows) == 1:
                print("\t".join(rows[0]))
            print("\t".join(str(value) for value in rows[-1].values()), flush=True)
        least = rows[0]
        print(f"at {rows[-1]['organizations']} organizations p99 is {rows[-1]['p99_ms'] / least['p99_ms']:.2f} of that at "
              f"{least['organizations']}, the rate {rows[-1]['records_per_s'] / least['records_per_s']:.2f}")
    finally:
        case.doCleanups()


if __name__ == "__main__":
    main()
