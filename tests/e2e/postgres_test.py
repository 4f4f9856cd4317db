#!/usr/bin/python3
"""The service on PostgreSQL, as those who run it see it: real programs, two instances, kill -9 on either side, moves.

Run: FORTIUM_SERVER_BIN=…/fortium-metrics-server python3 tests/e2e/postgres_test.py
"""

import http.client
import json
import os
import signal
import sys
import threading
import unittest
import uuid

import support
from support import CONFIGURATION, DEADLINE, DONE, FAILED, USAGE, until

SECRET = "open-sesame"


def batch(ids):
    records = [{"id": one, "timestamp": "2026-01-02T03:04:05.678Z", "session_id": "s", "tool_name": "Edit",
                "execution_time_ms": 1, "status": "success"} for one in ids]
    return json.dumps({"batch_id": "b", "device_id": "laptop", "tool_usages": records})


def deliver(service, ids):
    """Posts until every id is acknowledged, whatever happens to the service meanwhile."""
    def posted():
        try:
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE)
            connection.request("POST", "/api/v1/metrics/batch", batch(ids),
                               {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
        except (OSError, http.client.HTTPException):
            return False
        if answer.status != 200:
            return False
        return all(line["status"] in ("accepted", "duplicate") for line in json.loads(body)["results"])
    until(posted, "all records are acknowledged", 3 * DEADLINE)


@unittest.skipUnless(support.Service.built(), f"{support.SERVER_BIN} is not built")
@unittest.skipUnless(support.Postgres.programs(), "PostgreSQL is not installed")
class OnPostgres(support.Case):
    def setUp(self):
        super().setUp()
        self.postgres = support.Postgres(self)

    def server(self, *args, code=DONE, **variables):
        return self.cli(*args, program=support.SERVER_BIN, env=self.env(**variables), code=code)

    def second(self, service):
        """Another instance on the same database, with the same key."""
        other = object.__new__(support.Service)
        other.__dict__.update(service.__dict__, port=0)
        other.serve()
        return other

    def test_the_password_is_nowhere_to_be_seen(self):
        url = self.postgres.database()
        service = support.Service(self, database=url)
        with open(f"/proc/{service.process.pid}/cmdline", encoding="utf-8") as words:
            self.assertNotIn(SECRET, words.read())
        for wrong, code in ((url.replace("metrics1", "nowhere"), None), (url.replace("?host", "?hots"), None),
                            (f"postgresql://u:{SECRET}/x@h/d", None), (f"mysql://u:{SECRET}@h/d", CONFIGURATION)):
            done = self.server("tenant", "list", code=code, DATABASE_URL=wrong)
            self.assertNotEqual(done.code, DONE, wrong)
            self.assertNotIn(SECRET, done.out + done.err)
        done = self.server("tenant", "list", "--database-url", url, "--data", self.top, code=USAGE)
        self.assertNotIn(SECRET, done.out + done.err)

    def test_two_instances_and_a_kill_of_everything(self):
        one = support.Service(self, database=self.postgres.database())
        two = self.second(one)
        ids = [str(uuid.uuid4()) for _ in range(1200)]
        lots = [ids[at:at + 60] for at in range(0, len(ids), 40)]  # they overlap
        threads = [threading.Thread(target=lambda mine=lots[n::4], to=(one, two)[n % 2]: [deliver(to, lot) for lot in mine])
                   for n in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            one.process.kill()
            one.process.wait()
            one.serve()
            self.postgres.kill()
            self.postgres.serve()
        for thread in threads:
            thread.join()
        self.assertEqual(set(two.ids().values()), {1})
        self.assertEqual(set(two.ids()), set(ids))
        self.assertTrue(two.tell("check")["ok"])

    def test_a_move_there_and_back_a_backup_and_its_return(self):
        here = support.Service(self)
        deliver(here, [str(uuid.uuid4()) for _ in range(1000)])
        before = here.ledger()
        url, other = self.postgres.database(), self.postgres.database()
        back, file = os.path.join(self.top, "back"), os.path.join(self.top, "all.backup")
        self.assertEqual(here.tell("copy", "--to", url)["records"], 1000)
        self.server("copy", "--database-url", url, "--to", back)
        self.server("copy", "--database-url", url, "--to", back, code=FAILED)  # it is there already
        self.server("backup", file, "--data", back)
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        self.server("restore", file, "--database-url", other, "--tenant", "acme")
        self.server("migrate", "--database-url", other)
        for store in (["--database-url", url], ["--data", back], ["--database-url", other]):
            moved = object.__new__(support.Service)
            moved.__dict__.update(here.__dict__, port=0, store=store)
            moved.serve()
            self.assertEqual(moved.ledger(), before)
            self.assertTrue(moved.tell("check")["ok"])


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))  # so that cleanups run
    unittest.main(verbosity=1)
