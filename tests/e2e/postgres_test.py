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
from mcp_http_test import Client, call
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
    def server(self, *args, code=DONE, **variables):
        return self.cli(*args, program=support.SERVER_BIN, env=self.env(**variables), code=code)

    def test_the_password_is_nowhere_to_be_seen(self):
        url = self.postgres().database()
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
        one = support.Service(self, database=self.postgres().database())
        two = one.another()
        ids = [str(uuid.uuid4()) for _ in range(1200)]
        lots = [ids[at:at + 60] for at in range(0, len(ids), 40)]  # they overlap
        threads = [threading.Thread(target=lambda mine=lots[n::4], to=(one, two)[n % 2]: [deliver(to, lot) for lot in mine])
                   for n in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            one.kill()
            one.serve()
            self.postgres().kill()
            self.postgres().serve()
        for thread in threads:
            thread.join()
        self.assertEqual(set(two.ids().values()), {1})
        self.assertEqual(set(two.ids()), set(ids))
        self.assertTrue(two.tell("check")["ok"])

    def test_a_tool_that_takes_long_is_called_back_by_its_session(self):
        url = self.postgres().database()
        service = support.Service(self, database=url)
        deliver(service, [str(uuid.uuid4())])
        for revision in ("2025-03-26", "2025-06-18", "2025-11-25"):
            for progress in ({}, {"progressToken": 1}):
                with self.subTest(revision=revision, progress=progress):
                    client = Client(service.port, service.key)
                    client.begin(revision)
                    let_go = self.postgres().hold("*.slice", url)
                    answers = []
                    question = call("get-tool-metrics", {"tool_name": "Edit"}, id=41, **progress)
                    asking = threading.Thread(target=lambda: answers.append(self.said(client, question)))
                    asking.start()
                    until(lambda: self.postgres().waiting(url) > 0, "the tool waits")
                    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 40}}
                    self.assertEqual(client.post(cancel)[0], 202)  # of another request
                    stranger = Client(service.port, service.key)
                    stranger.begin(revision)
                    cancel["params"]["requestId"] = 41
                    self.assertEqual(stranger.post(cancel)[0], 202)  # of another session
                    self.assertEqual((answers, self.postgres().waiting(url)), ([], 1))
                    self.assertEqual(client.post(cancel)[0], 202)
                    asking.join(DEADLINE)
                    self.assertEqual(self.postgres().waiting(url), 0)  # nor does the database work on
                    self.assertNotIn("Edit", answers[0])
                    let_go()
                    self.assertIn("Edit", self.said(client, question))

    def said(self, client, message):
        """Whatever the answer is, JSON or events, as it came."""
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=DEADLINE)
        try:
            connection.request("POST", "/mcp", json.dumps(message), client.headers())
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def test_an_organization_whose_tables_are_held_does_not_hold_up_the_others(self):
        url = self.postgres().database()
        service = support.Service(self, database=url)
        ids = [str(uuid.uuid4()) for _ in range(40)]
        deliver(service, ids[:1])
        let_go = self.postgres().hold("*.tool_usage", url)
        other = service.add_organization("other")
        statuses, lock = [], threading.Lock()

        def post(one):
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE)
            connection.request("GET", f"/api/v1/metrics/export?kind=tool_usage&session_id={one}", headers={
                "Authorization": f"Bearer {service.key}"})
            status = connection.getresponse().status
            connection.close()
            with lock:
                statuses.append(status)
        threads = [threading.Thread(target=post, args=(one,)) for one in ids]
        for thread in threads:
            thread.start()
        until(lambda: self.postgres().waiting(url) > 0, "they wait")
        self.assertEqual(service.get("/healthz", authorized=False)[0], 200)
        until(lambda: service.get("/api/v1/metrics/tools", key=other)[0] == 200, "another organization is served")
        let_go()
        for thread in threads:
            thread.join()
        self.assertLessEqual(set(statuses), {200, 503})
        until(lambda: service.get("/api/v1/metrics/tools", key=other)[0] == 200, "all is well again")
        deliver(service, ids)
        self.assertEqual(service.ids(), dict.fromkeys(ids, 1))

    def test_a_move_there_and_back_a_backup_and_its_return(self):
        here = support.Service(self)
        deliver(here, [str(uuid.uuid4()) for _ in range(1000)])
        before = here.ledger()
        url, other = self.postgres().database(), self.postgres().database()
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
