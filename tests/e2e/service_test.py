#!/usr/bin/python3
"""The service as its users and its enemies see it: the real program, real sockets, kill -9.

Run: FORTIUM_SERVER_BIN=…/fortium-metrics-server python3 tests/e2e/service_test.py
"""

import concurrent.futures
import gzip
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import unittest
import uuid

import support
from support import DEADLINE, DONE, FAILED, USAGE, CONFIGURATION, digest, until

BATCH = "/api/v1/metrics/batch"
DAY = "2026-01-02"
HIDDEN = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"  # behind a request: it must be answered as what it is, or never


def record(number=0, **more):
    return {"id": str(uuid.uuid4()), "timestamp": f"{DAY}T03:04:05.678Z", "session_id": f"s{number % 5}",
            "tool_name": f"Tool{number % 7}", "execution_time_ms": number % 1000, "status": "success", **more}


def batch(records, **more):
    return {"batch_id": str(uuid.uuid4()), "device_id": "laptop", "tool_usages": records, **more}


class Client:
    """One connection that is kept; opens it again when the service has closed it."""

    def __init__(self, service, key=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE)
        self.key = key or service.key

    def ask(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.setdefault("Authorization", f"Bearer {self.key}")
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.headers

    def post(self, body, **headers):
        return self.ask("POST", BATCH, json.dumps(body), Content_Type="application/json", **headers)

    def accepted(self, records):
        """The ids of records that the service says it has."""
        status, answer, _ = self.post(batch(records))
        if status != 200:
            raise AssertionError(f"{status}: {answer}")
        return [line["id"] for line in answer["results"] if line["status"] in ("accepted", "duplicate")]

    def close(self):
        self.connection.close()


def raw(port, data, half_close=False):
    """All that comes back for these bytes, until the service closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        connection.sendall(data)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


@unittest.skipUnless(support.Service.built(), f"{support.SERVER_BIN} is not built")
class ServiceCase(support.Case):
    def service(self, **variables):
        return support.Service(self, **variables)

    def client(self, service, key=None):
        client = Client(service, key)
        self.ends_with(client.close)
        return client

    def ids(self, service):
        """Every id of the ledger, as often as it is there, and each row's digest checked against them."""
        path = "/api/v1/metrics/ledger?from=2000-01-01&to=2100-01-01&ids=1"
        rows, told, cursor = {}, {}, ""
        while True:
            status, body = service.get(path + cursor)
            self.assertEqual(status, 200, body)
            answer = json.loads(body)
            for row in answer["days"]:
                key = (row["day"], row["kind"])
                rows.setdefault(key, []).extend(row["ids"])
                told[key] = (row["count"], row["digest"])
            if not answer["next_cursor"]:
                break
            cursor = "&cursor=" + answer["next_cursor"]
        for key, ids in rows.items():
            self.assertEqual(told[key], (len(ids), digest(ids)), key)
        return [one for ids in rows.values() for one in ids]

    def end_well(self, service, by=signal.SIGTERM):
        service.process.send_signal(by)
        self.assertEqual(service.process.wait(DEADLINE), 0)


class FirstStart(ServiceCase):
    def serve_new(self, data, **variables):
        process = self.start("serve", "--listen", "127.0.0.1:0", "--data", data, program=support.SERVER_BIN,
                             env=self.env(**variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("listens on http://127.0.0.1:", first := process.stdout.readline())
        return process, int(re.search(r":(\d+)$", first.strip()).group(1))

    def end(self, process, by=signal.SIGTERM):
        """(standard output, standard error) of what was not read yet."""
        process.send_signal(by)
        said = process.stdout.read(), process.stderr.read()
        self.assertEqual(process.wait(DEADLINE), 0)
        return said

    def test_an_empty_store_gets_an_organization_and_shows_its_key_once(self):
        data = os.path.join(self.top, "a", "new", "store")
        process, port = self.serve_new(data)
        said, errors = self.end(process)
        self.assertEqual(errors, "")
        self.assertIn(f"export FORTIUM_METRICS_URL=http://127.0.0.1:{port}\n", said)
        key = re.search(r"^export FORTIUM_API_KEY=(fm_\S+)$", said, re.M).group(1)

        process, port = self.serve_new(data)
        status, body = support.http_get(port, "/api/v1/capabilities", {"Authorization": f"Bearer {key}"})
        self.assertEqual(status, 200)
        answer = json.loads(body)
        self.assertEqual(answer["organization"]["name"], "default")
        self.assertEqual(answer["scopes"], ["ingest", "read", "admin"])
        self.assertEqual(answer["encodings"], ["gzip"])
        self.assertEqual(self.end(process, signal.SIGINT), ("", ""))

    def test_the_store_is_its_owners_only(self):
        data = os.path.join(self.top, "store")
        process, _ = self.serve_new(data)
        for folder, _, files in os.walk(data):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700, folder)
            for name in files:
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode), 0o600, name)

    def test_the_key_is_nowhere_in_the_store_nor_in_the_log(self):
        data = os.path.join(self.top, "store")
        process, port = self.serve_new(data, FORTIUM_SERVER_LOG="debug")
        said = [process.stdout.readline() for _ in range(6)]
        key = re.search(r"fm_\S+", "".join(said)).group(0)
        body = json.dumps(batch([record(tool_name="SecretTool")]))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        connection.request("POST", BATCH, body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        _, log = self.end(process)
        self.assertIn("POST /api/v1/metrics/batch 200", log)
        for secret in (key, key[25:89], "SecretTool"):
            self.assertNotIn(secret, log)
        for folder, _, files in os.walk(data):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(key[25:89].encode(), file.read(), name)

    def test_a_port_that_is_taken_is_an_error_and_makes_no_key(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            data = os.path.join(self.top, "store")
            done = self.cli("serve", "--listen", f"127.0.0.1:{taken.getsockname()[1]}", "--data", data,
                            program=support.SERVER_BIN, code=FAILED)
            self.assertIn("in use", done.err)
        done = self.cli("tenant", "list", "--data", data, "--json", program=support.SERVER_BIN, code=DONE)
        self.assertEqual(json.loads(done.out), {"tenants": []})


class Commands(ServiceCase):
    def tell(self, *args, code=DONE, **variables):
        data = os.path.join(self.top, "store")
        return self.cli(*args, "--data", data, program=support.SERVER_BIN, code=code, **variables)

    def json_of(self, *args):
        return json.loads(self.tell(*args, "--json").out)

    def test_organizations(self):
        made = self.json_of("tenant", "create", "  Ärzte & Söhne  ")
        self.assertEqual(made["name"], "Ärzte & Söhne")
        self.assertEqual(uuid.UUID(made["id"]).version, 7)
        self.tell("tenant", "create", "ÄRZTE & SÖHNE", code=FAILED)
        self.tell("tenant", "create", "two\nlines", code=USAGE)
        self.tell("tenant", "create", "x" * 256, code=USAGE)
        self.tell("tenant", "create", "x" * 255)
        self.assertEqual([row["name"] for row in self.json_of("tenant", "list")["tenants"]], ["x" * 255, "Ärzte & Söhne"])
        shown = self.json_of("tenant", "show", made["id"])
        self.assertEqual((shown["state"], shown["keys"], shown["records"]["total"]), ("active", 0, 0))
        self.assertEqual(self.json_of("tenant", "suspend", "ärzte & söhne")["state"], "suspended")
        self.assertEqual(self.json_of("tenant", "show", "Ärzte & Söhne")["state"], "suspended")
        self.json_of("tenant", "resume", "Ärzte & Söhne")
        self.json_of("tenant", "delete", "Ärzte & Söhne")
        self.tell("tenant", "show", "Ärzte & Söhne", code=FAILED)
        self.assertFalse([name for name in os.listdir(os.path.join(self.top, "store", "tenants")) if made["id"] in name])

    def test_a_name_leads_nowhere(self):
        self.tell("tenant", "create", "../../../escape")
        self.tell("tenant", "create", "a/b")
        self.assertEqual(sorted(os.listdir(self.top)), ["home", "store"])

    def test_keys(self):
        self.tell("tenant", "create", "acme")
        made = self.json_of("key", "create", "--tenant", "acme", "--scope", "read,ingest", "--expires", "90d")
        self.assertEqual(made["scopes"], ["ingest", "read"])
        self.assertEqual(made["tenant"], "acme")
        self.assertTrue(made["key"].startswith(f"fm_live_{made['id']}_"))
        self.assertEqual(self.json_of("key", "create", "--tenant", "acme")["scopes"], ["ingest"])
        fresh = self.json_of("key", "rotate", made["id"], "--overlap", "0")
        self.json_of("key", "revoke", fresh["id"])
        listed = self.tell("key", "list", "--json").out
        self.assertEqual([row["state"] for row in json.loads(listed)["keys"]], ["revoked", "active", "revoked"])
        self.assertNotIn(made["key"][25:89], listed)
        self.tell("key", "revoke", "0000000000000000", code=FAILED)
        self.tell("key", "create", "--tenant", "nobody", code=FAILED)
        self.tell("key", "create", "--tenant", "acme", "--scope", "everything", code=USAGE)
        self.tell("key", "create", "--tenant", "acme", "--expires", "soon", code=USAGE)

    def test_usage(self):
        self.assertRegex(self.tell("--version").out, r"^fortium-metrics-server \d+\.\d+\.\d+\n$")
        for words in ([], ["serve"], ["tenant"], ["tenant", "create"], ["key", "rotate"]):
            self.assertIn("--help", self.cli(*words, "--help", program=support.SERVER_BIN, code=DONE).out)
        self.assertIn("Example:", self.cli("key", "create", "--help", program=support.SERVER_BIN, code=DONE).out)
        self.tell("serve", "--listen", "nowhere", code=USAGE)
        self.tell("frobnicate", code=USAGE)
        wrong = self.tell("serve", "--listen", "127.0.0.1:0", code=CONFIGURATION, RATE_LIMIT_MAX_REQUESTS="many")
        self.assertIn("RATE_LIMIT_MAX_REQUESTS", wrong.err)

    def test_the_environment_names_the_store(self):
        place = os.path.join(self.top, "elsewhere")
        self.cli("tenant", "create", "acme", program=support.SERVER_BIN, code=DONE, FORTIUM_SERVER_DATA=place)
        self.assertTrue(os.path.exists(os.path.join(place, "control.db")))

    def test_commands_work_beside_the_service_and_are_effective_within_seconds(self):
        service = self.service()
        made = service.tell("key", "create", "--tenant", "acme", "--scope", "ingest")
        client = self.client(service, made["key"])
        self.assertEqual(len(client.accepted([record()])), 1)
        service.tell("key", "revoke", made["id"])
        until(lambda: client.post(batch([]))[0] == 401, "the key is refused", deadline=5)
        self.assertEqual(client.post(batch([]))[1]["code"], "revoked_key")

        other = service.add_organization("other")
        theirs = self.client(service, other)
        self.assertEqual(len(theirs.accepted([record()])), 1)
        service.tell("tenant", "suspend", "other")
        until(lambda: theirs.post(batch([]))[0] == 403, "the organization is refused", deadline=5)
        service.tell("tenant", "delete", "other")
        until(lambda: theirs.post(batch([]))[0] == 401, "the organization is gone", deadline=5)
        shown = service.tell("tenant", "show", "acme")
        self.assertEqual(shown["records"]["by_kind"]["tool_usage"], 1)

    def test_a_key_that_expires(self):
        service = self.service()
        brief = service.tell("key", "create", "--tenant", "acme", "--expires", "1s")["key"]
        until(lambda: json.loads(service.get("/api/v1/capabilities", key=brief)[1]).get("code") == "expired_key",
              "the key has expired", deadline=5)


class Connections(ServiceCase):
    def test_a_connection_is_kept_and_requests_may_wait_in_line(self):
        service = self.service()
        head = (f"GET /api/v1/capabilities HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n\r\n"
                "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = raw(service.port, head.encode())
        self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", answer), [b"200", b"200", b"200", b"404"])
        self.assertEqual(answer.count(b'"status":"healthy"'), 1)  # none for HEAD
        client = self.client(service)
        for number in range(20):
            self.assertEqual(len(client.accepted([record(number)])), 1)
        self.assertEqual(len(self.ids(service)), 20)

    def test_rubbish_is_answered_and_closed(self):
        service = self.service()
        for data, status in ((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 4 + b"\r\n\r\n", b"400"),
                             (b"rubbish\r\n\r\n", b"400"),
                             (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"400"),
                             (b"GET / HTTP/1.1\r\n\r\n", b"400"),
                             (b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
                             (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 16384 + b"\r\n\r\n", b"431"),
                             (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431")):
            answer = raw(service.port, data)
            self.assertEqual(answer.split(b" ")[1], status, answer[:200])
            self.assertIn(b'"success":false', answer)
        self.assertEqual(service.get("/healthz", authorized=False)[0], 200)

    def test_framing_that_two_programs_could_read_in_two_ways_is_refused(self):
        service = self.service()
        head = f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
        for framing in ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 2\r\nContent-Length: 3\r\n",
                        "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked, identity\r\n",
                        "Content-Length: -1\r\n", "Content-Length: 2x\r\n", "Content-Length : 2\r\n",
                        "Content-Length: +2\r\n", "Content-Length: 0x2\r\n", "Content-Length: \r\n",
                        "Content-Length: 18446744073709551618\r\n", "Transfer-Encoding: xchunked\r\n",
                        'Transfer-Encoding: "chunked"\r\n', "Transfer-Encoding: \x0bchunked\r\n",
                        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
                        "Transfer-Encoding : chunked\r\n", "X: a\nContent-Length: 2\r\n",
                        "X: a\rY: b\r\nContent-Length: 2\r\n", "X: a\0b\r\nContent-Length: 2\r\n",
                        "X\r\nContent-Length: 2\r\n", ": a\r\nContent-Length: 2\r\n"):
            body = "2\r\n{}\r\n0\r\n\r\n" if "chunked" in framing else "{}"
            answer = raw(service.port, f"{head}{framing}\r\n{body}{HIDDEN}".encode("latin-1"), half_close=True)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400"), (framing, answer[:200]))
            self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d", answer)), 1, framing)

    def test_chunks_that_two_programs_could_read_in_two_ways_are_refused(self):
        service = self.service()
        head = (f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
                "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        end = "\r\n0\r\n\r\n"
        for body in ("2\n{}" + end, "2;a\n{}" + end, "2\r\n{}\n0\r\n\r\n", "0x2\r\n{}" + end, "-2\r\n{}" + end, "+2\r\n{}" + end,
                     " 2\r\n{}" + end, "2 \r\n{}" + end, "\r\n{}" + end, "1\r\n{}" + end, "10000000000000002\r\n{}" + end,
                     "2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n"):
            answer = raw(service.port, (head + body + HIDDEN).encode(), half_close=True)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400"), (body, answer[:200]))
            self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d", answer)), 1, body)
        for size in ("b00000", "ffffffffffffffff"):
            self.assertTrue(raw(service.port, f"{head}{size}\r\n{{}}".encode()).startswith(b"HTTP/1.1 413"), size)
        # An extension says nothing, and what comes behind such a body is a request of its own.
        answer = raw(service.port, (head + "2;a=b\r\n{}" + end + HIDDEN).encode(), half_close=True)
        self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", answer), [b"400", b"200"])

    def test_what_does_not_end_between_chunks_is_refused_in_little_memory(self):
        service = self.service()
        head = (f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
                "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        before = support.high_water(service.process.pid)
        for begin, piece in (("0\r\n", "X: " + "y" * 1000 + "\r\n"), ("0\r\nX: ", "y" * 1000), ("2;", "a" * 1000), ("", "0" * 1000)):
            with socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE) as connection:
                connection.sendall((head + begin).encode())
                try:
                    for _ in range(32 * 1024):  # 32 MiB
                        connection.sendall(piece.encode())
                    answer = connection.recv(65536)
                except OSError:
                    answer = b""  # it was cut while it went on
            self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 431"), (begin, answer[:200]))
        self.assertLess(support.high_water(service.process.pid) - before, 8 << 20)
        self.assertEqual(service.get("/healthz", authorized=False)[0], 200)

    def test_requests_that_are_none_are_refused(self):
        service = self.service()
        for data, status in (("GET /healthz HTTP/1.1\nHost: x\n\n", 400), ("GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
                             ("GET\t/healthz\tHTTP/1.1\r\nHost: x\r\n\r\n", 400), ("GET /health z HTTP/1.1\r\nHost: x\r\n\r\n", 400),
                             ("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400), ("GET /healthz\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
                             ("GET /healthz http/1.1\r\nHost: x\r\n\r\n", 400), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
                             ("GET /api/../healthz HTTP/1.1\r\nHost: x\r\n\r\n", 404), ("GET /healthz#a HTTP/1.1\r\nHost: x\r\n\r\n", 404),
                             ("GET /healthz HTTP/1.1\r\nHost: x\r\n" + "A: b\r\n" * 5000 + "\r\n", 431),
                             ("G" * 20000 + " /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 431)):
            answer = raw(service.port, data.encode("latin-1"), half_close=True)
            self.assertTrue(answer.startswith(f"HTTP/1.1 {status}".encode()), (data[:60], answer[:200]))

    def test_bodies_that_are_too_much_of_something_are_refused_whole(self):
        service = self.service()
        client = self.client(service)
        good = record()
        for body in ('{"tool_usages":' * 100_000, json.dumps(batch([record() for _ in range(1001)])),
                     '{"tool_usages":[' + "1" * 1_000_000 + "]}", '{"' + "k" * 1_000_000 + '":1}', "[" * 5_000_000,
                     '{"tool_usages":[],"tool_usages":[]}', '{"tool_usages":[1e999]}', '{"batch_id":"\\ud800"}',
                     json.dumps(batch([record()]))[:-1]):
            status, answer, _ = client.ask("POST", BATCH, body, Content_Type="application/json")
            self.assertIn(status, (400, 413), body[:60])
            self.assertFalse(answer["success"])
            self.assertLess(len(json.dumps(answer)), 100_000)  # nor is it said back
        for change in ({"tool_name": "x" * 256}, {"context": {str(n): n for n in range(51)}},
                       {"context": {"a": "x" * 70_000}}, {"execution_time_ms": 86_400_001}, {"execution_time_ms": -1}):
            status, answer, _ = client.post(batch([{**record(), **change}, good]))
            self.assertEqual((status, [line["status"] for line in answer["results"]][0]), (200, "rejected"), str(change)[:60])
        self.assertEqual(self.ids(service), [good["id"]])

    def test_who_asks_and_does_not_listen_is_let_go(self):
        service = self.service(FORTIUM_SERVER_REQUEST_TIMEOUT="500ms")
        self.client(service).accepted([record(context={"text": "x" * 20_000}) for _ in range(450)])
        before = support.high_water(service.process.pid)
        def connections():
            figures = support.http_get(service.port, "/metrics")[1].decode()
            return int(re.search(r"^fortium_connections (\d+)", figures, re.M)[1])

        deaf, few = [], connections()
        request = (f"GET /api/v1/metrics/export?kind=tool_usage&limit=1000&from={DAY}&to={DAY} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n\r\n")
        try:
            for _ in range(8):
                connection = socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.sendall(request.encode())
                deaf.append(connection)
            until(lambda: connections() >= few + 8, "they are there")
            until(lambda: connections() <= few, "they are let go")
            self.assertEqual(len(self.client(service).accepted([record()])), 1)
        finally:
            for connection in deaf:
                connection.close()
        self.assertLess(support.high_water(service.process.pid) - before, 400 << 20)

    def test_who_is_slow_is_told_and_closed(self):
        service = self.service(FORTIUM_SERVER_REQUEST_TIMEOUT="300ms", FORTIUM_SERVER_IDLE_TIMEOUT="300ms")
        begin = time.monotonic()
        self.assertIn(b" 408 ", raw(service.port, b"GET /healthz HTTP/1.1\r\nHo"))
        head = f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\nContent-Length: 9\r\n\r\n"
        self.assertIn(b" 408 ", raw(service.port, head.encode() + b"{"))
        self.assertEqual(raw(service.port, b""), b"")  # nothing was asked
        self.assertLess(time.monotonic() - begin, 10)

    def test_a_byte_at_a_time_is_a_request_too(self):
        service = self.service()
        body = json.dumps(batch([record()])).encode()
        data = (f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\nConnection: close\r\n"
                f"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n").encode()
        data += b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        with socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in data:
                connection.sendall(bytes([byte]))
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        self.assertTrue(answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), answer)

    def test_large_bodies(self):
        service = self.service()
        client = self.client(service)
        text = json.dumps(batch([record()]))
        most = text + " " * (10 * 1024 * 1024 - len(text))
        status, answer, _ = client.ask("POST", BATCH, most, Content_Type="application/json")
        self.assertEqual((status, answer.get("code")), (200, None))
        status, answer, _ = client.ask("POST", BATCH, most + " ", Content_Type="application/json")
        self.assertEqual((status, answer["code"]), (413, "too_large"))
        bomb = gzip.compress(b"{" + b" " * (65 * 1024 * 1024) + b"}")
        status, answer, _ = client.ask("POST", BATCH, bomb, Content_Type="application/json", Content_Encoding="gzip")
        self.assertEqual((status, answer["code"]), (413, "too_large"))
        # Who has no key is refused before the body, and hears it though the body is on its way.
        stranger = self.client(service, "fm_live_nobody")
        status, answer, _ = stranger.ask("POST", BATCH, most, Content_Type="application/json")
        self.assertEqual((status, answer["code"]), (401, "malformed_key"))

    def test_more_connections_than_are_allowed(self):
        service = self.service(FORTIUM_SERVER_MAX_CONNECTIONS=3)
        held = []
        try:
            for _ in range(3):
                client = Client(service)
                held.append(client)
                self.assertEqual(client.ask("GET", "/healthz")[0], 200)
            answer = raw(service.port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(answer.startswith(b"HTTP/1.1 503"), answer[:100])
            self.assertIn(b"Retry-After:", answer)
            self.assertEqual(held[0].ask("GET", "/healthz")[0], 200)
        finally:
            for client in held:
                client.close()
        until(lambda: service.get("/healthz", authorized=False)[0] == 200, "there is room again")

    def test_many_idle_connections_cost_no_thread(self):
        service = self.service()
        idle = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(200)]
        try:
            self.assertEqual(len(self.client(service).accepted([record()])), 1)
            self.assertLess(len(os.listdir(f"/proc/{service.process.pid}/task")), 64)
        finally:
            for connection in idle:
                connection.close()

    def test_errors_have_the_documented_form(self):
        service = self.service()
        client = self.client(service)
        status, answer, headers = client.post({"tool_usages": 1, "colour": "red"})
        self.assertEqual(status, 400)
        self.assertEqual(set(answer), {"success", "message", "code", "errors", "request_id"})
        self.assertEqual({error["field"] for error in answer["errors"]}, {"tool_usages", "colour"})
        self.assertEqual(headers["X-Request-ID"], answer["request_id"])
        self.assertEqual(client.ask("PUT", BATCH)[0], 405)
        self.assertEqual(client.post(batch([]), X_Organization_ID="other")[0], 403)

    def test_the_rate_limit(self):
        service = self.service(FORTIUM_SERVER_LOG="error")
        service.process.kill()
        service.process.wait()
        service.env["RATE_LIMIT_MAX_REQUESTS"] = "20"
        service.serve()
        client = self.client(service)
        status, _, headers = client.post(batch([record() for _ in range(21)]))
        self.assertEqual((status, headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]), (200, "20", "18"))
        client.accepted([record() for _ in range(400)])
        status, answer, headers = client.post(batch([record()]))
        self.assertEqual((status, answer["message"]), (429, "Rate limit exceeded"))
        self.assertEqual(answer["rate_limit"]["remaining"], 0)
        self.assertTrue(0 < int(headers["Retry-After"]) <= 60)


class Faults(ServiceCase):
    def test_the_same_batch_from_many_at_once_counts_once(self):
        service = self.service()
        body = batch([record(number) for number in range(300)])
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            def send(number):
                client = Client(service)
                try:
                    headers = {"Idempotency_Key": "same"} if number % 2 else {}
                    return client.post(body, **headers)
                finally:
                    client.close()
            answers = list(pool.map(send, range(24)))
        accepted = 0
        for status, answer, _ in answers:
            self.assertEqual(status, 200)
            self.assertEqual(answer["data"]["tool_usages"], 300)
            accepted += sum(line["status"] == "accepted" for line in answer["results"])
        self.assertGreaterEqual(accepted, 300)
        ids = self.ids(service)
        self.assertEqual(sorted(ids), sorted(one["id"] for one in body["tool_usages"]))

    def test_organizations_share_nothing(self):
        service = self.service()
        other = service.add_organization("other")
        ours, theirs = self.client(service), self.client(service, other)
        same = record()
        self.assertEqual(ours.accepted([same]), [same["id"]])
        status, answer, _ = theirs.post(batch([{**same, "tool_name": "Another"}]))
        self.assertEqual(answer["results"][0]["status"], "accepted")
        theirs.accepted([record() for _ in range(3)])
        self.assertEqual(self.ids(service), [same["id"]])
        self.assertEqual(sum(count for count, _ in service.ledger(other).values()), 4)

    def test_what_was_acknowledged_survives_a_kill_and_is_there_once(self):
        service = self.service()
        acknowledged, lock, rounds = [], threading.Lock(), 3

        def send_until_it_dies(process):
            client = Client(service)
            left = []
            try:
                while process.poll() is None:
                    left = left or [record(number) for number in range(100)]
                    ids = client.accepted(left)
                    with lock:
                        acknowledged.extend(ids)
                    left = []
            except (OSError, http.client.HTTPException, ValueError):
                pass  # the answer is lost; these are sent again
            finally:
                client.close()
            return left

        for number in range(rounds):
            process, before = service.process, len(acknowledged)
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                senders = [pool.submit(send_until_it_dies, process) for _ in range(4)]
                until(lambda: len(acknowledged) >= before + 1000, "records are acknowledged")
                process.send_signal(signal.SIGKILL)
                lost = [sender.result() for sender in senders]
            process.wait()
            service.serve()
            client = self.client(service)
            for records in filter(None, lost):
                ids = client.accepted(records)
                self.assertEqual(len(ids), 100)
                acknowledged.extend(ids)
        ids = self.ids(service)  # digests are checked there
        self.assertOnce(acknowledged, ids)
        self.assertEqual(len(ids), len(set(acknowledged)))

    def test_single_records_that_were_acknowledged_survive_a_kill_and_are_there_once(self):
        service = self.service()
        sent = [(str(uuid.uuid4()), json.dumps({**record(number), "id": None})) for number in range(400)]
        acknowledged = {}

        def post(client, key, body):
            status, answer, _ = client.ask("POST", "/api/v1/metrics/tool-usage", body, Content_Type="application/json",
                                           Idempotency_Key=key)
            if status not in (200, 201):
                raise AssertionError(f"{status}: {answer}")
            self.assertEqual(acknowledged.setdefault(key, answer["data"]["id"]), answer["data"]["id"])

        def send(some):
            client = Client(service)
            try:
                for key, body in some:
                    post(client, key, body)
            except (OSError, http.client.HTTPException, ValueError):
                pass  # the answer is lost; all are sent again
            finally:
                client.close()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            senders = [pool.submit(send, sent[number::4]) for number in range(4)]
            until(lambda: len(acknowledged) >= 100, "records are acknowledged")
            service.process.kill()
            for sender in senders:
                sender.result()
        service.process.wait()
        service.serve()
        client = self.client(service)
        for key, body in sent:
            post(client, key, body)  # with the id of its first answer
        self.assertEqual(sorted(self.ids(service)), sorted(acknowledged.values()))
        self.assertEqual(len(acknowledged), len(sent))

    @support.about_files
    @unittest.skipUnless(os.geteuid() == 0, "needs the right to mount")
    def test_on_a_full_disk_nothing_is_acknowledged_and_with_room_all_goes_on(self):
        place = os.path.join(self.top, "small")
        os.mkdir(place)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", place], stderr=subprocess.PIPE)
        if mounted.returncode != 0:
            self.skipTest("no mount here: " + mounted.stderr.decode())
        self.ends_with(lambda: subprocess.run(["umount", "-l", place], check=False))
        ballast = os.path.join(place, "ballast")
        with open(ballast, "wb") as file:
            file.write(bytes(6 << 20))
        service = support.Service(self, place=place)
        client, acknowledged, refused = self.client(service), [], 0
        for _ in range(200):
            records = [record(context={"text": "x" * 2000}) for _ in range(50)]
            status, answer, _ = client.post(batch(records))
            if status == 200:
                acknowledged += [line["id"] for line in answer["results"] if line["status"] == "accepted"]
                continue
            self.assertEqual(status, 507, answer)
            refused += 1
            status, answer, _ = client.ask("POST", "/api/v1/metrics/tool-usage", json.dumps(record(context={"text": "x" * 60_000})),
                                           Content_Type="application/json")
            self.assertIn(status, (201, 507), answer)
            if status == 201:
                acknowledged.append(answer["data"]["id"])
            if refused == 5:
                break
        self.assertEqual(refused, 5)
        os.remove(ballast)
        more = [record() for _ in range(50)]
        until(lambda: client.post(batch(more))[0] == 200, "it goes on")
        self.assertEqual(sorted(self.ids(service)), sorted(acknowledged + [one["id"] for one in more]))
        self.assertTrue(service.tell("check")["ok"])
        service.kill()
        service.serve()
        self.assertEqual(sorted(self.ids(service)), sorted(acknowledged + [one["id"] for one in more]))

    def test_sigterm_finishes_what_was_begun(self):
        service = self.service()
        body = json.dumps(batch([record(number) for number in range(50)])).encode()
        head = (f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        with socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE) as begun, \
                socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE) as idle:
            begun.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"200 OK", begun.recv(65536))
            begun.sendall(head + body[:100])
            until(lambda: service.get("/healthz", authorized=False)[0] == 200, "the service has seen it")
            service.process.send_signal(signal.SIGTERM)
            self.assertEqual(idle.recv(1), b"")  # who had not begun is let go
            until(lambda: service.get("/healthz", authorized=False)[0] == 0, "nobody else is taken")
            begun.sendall(body[100:])
            answer = b""
            while piece := begun.recv(65536):
                answer += piece
        self.assertIn(b"HTTP/1.1 200 OK", answer)
        self.assertIn(b"Connection: close", answer)
        self.assertEqual(service.process.wait(DEADLINE), 0)
        service.serve()
        self.assertEqual(len(self.ids(service)), 50)

    def test_a_second_start_on_the_same_store(self):
        service = self.service()
        one = self.client(service).accepted([record() for _ in range(10)])
        self.end_well(service)
        service.serve()
        two = self.client(service).accepted([record() for _ in range(10)])
        self.assertEqual(sorted(self.ids(service)), sorted(one + two))
        self.end_well(service, signal.SIGINT)

    def test_two_services_on_one_store(self):
        service = self.service()
        port = service.another().port
        body = [record(number) for number in range(200)]

        def send(to):
            connection = http.client.HTTPConnection("127.0.0.1", to, timeout=DEADLINE)
            for begin in range(0, 200, 20):
                connection.request("POST", BATCH, json.dumps(batch(body[begin:begin + 20])),
                                   {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"})
                self.assertEqual(connection.getresponse().read().count(b'"rejected"'), 0)
            connection.close()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(send, [service.port, port] * 2))
        self.assertEqual(sorted(self.ids(service)), sorted(one["id"] for one in body))


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))  # so that cleanups run
    unittest.main(verbosity=1)
