"""`fortium-metrics-server` with an organization and a key."""

import collections
import json
import os
import re
import shutil
import subprocess
import uuid

from .base import DEADLINE, DONE, ON_POSTGRES, SERVER_BIN, until


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
