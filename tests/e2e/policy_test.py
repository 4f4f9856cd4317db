#!/usr/bin/python3
"""What `sync` does with each answer a peer can give, good or bad: exit code, what waits, who is asked when."""

from email.utils import parsedate_to_datetime
import gzip
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import warnings

import support
from support import CONFIGURATION, CREDENTIALS, DONE, PARTLY, UNREACHABLE, Peer, Reply

# status -> exit code of `sync` with three records waiting, and the circuit afterwards.
STATUSES = {
    400: (CONFIGURATION, "paused"),  # each is refused when sent alone: a broken service must not empty the queue
    401: (CREDENTIALS, "paused"),
    402: (UNREACHABLE, "open"),
    403: (CREDENTIALS, "paused"),
    404: (CONFIGURATION, "paused"),
    405: (CONFIGURATION, "paused"),
    407: (UNREACHABLE, "open"),
    408: (UNREACHABLE, "open"),
    409: (UNREACHABLE, "open"),
    410: (CONFIGURATION, "paused"),
    418: (UNREACHABLE, "open"),
    422: (CONFIGURATION, "paused"),
    425: (UNREACHABLE, "open"),
    429: (PARTLY, "open"),
    451: (UNREACHABLE, "open"),
    500: (UNREACHABLE, "open"),
    501: (UNREACHABLE, "open"),
    502: (UNREACHABLE, "open"),
    503: (UNREACHABLE, "open"),
    504: (UNREACHABLE, "open"),
    507: (UNREACHABLE, "open"),
    511: (UNREACHABLE, "open"),
    301: (UNREACHABLE, "open"),
    302: (UNREACHABLE, "open"),
    304: (UNREACHABLE, "open"),
    307: (UNREACHABLE, "open"),
    308: (UNREACHABLE, "open"),
    799: (UNREACHABLE, "open"),
}


class Policy(support.Case):
    def setUp(self):
        super().setUp()
        self.peer = Peer(self)
        self.to = self.peer.settings()

    def sync(self, code, **more):
        return self.json("sync", "--timeout", "20s", code=code, **{**self.to, **more})

    def assertKept(self, ids):
        """Nothing was delivered, nothing was set aside, and the person is told why."""
        told = self.status(**self.to)
        self.assertEqual((told["queue"]["pending"], told["queue"]["failed"]), (len(ids), 0))
        self.assertTrue(told["sync"]["last_error"])
        listed = self.json("queue", "list", **self.to)["records"]
        self.assertEqual(sorted(one["id"] for one in listed), sorted(ids))

    def assertDelivers(self, ids):
        """The peer does well again, and everything goes out, once."""
        self.peer.batch(self.peer.honest)
        self.sync(DONE)
        self.assertEqual(sorted(self.peer.ids), sorted(ids))
        self.assertEqual(set(self.peer.ids.values()), {1})


class Statuses(Policy):
    def test_each_status(self):
        for status, (code, circuit) in STATUSES.items():
            with self.subTest(status=status):
                self.fresh()
                ids = self.record(3, **self.to)
                self.peer.batch(Reply(status, {"success": False, "message": f"because of {status}"}))
                told = self.sync(code)
                self.assertEqual((told["accepted"], told["duplicates"], told["remaining"]), (0, 0, 3))
                self.assertTrue(told["error"])
                self.assertKept(ids)
                self.assertEqual(self.status(**self.to)["sync"]["circuit"], circuit)
                self.assertIn(str(status), self.status(**self.to)["sync"]["last_error"])
                self.assertLessEqual(len(self.peer.posts()), 8, "a hot loop")
                self.assertDelivers(ids)

    def fresh(self):
        self.peer.close()
        self.peer = Peer(self)
        self.to = self.peer.settings(FORTIUM_DATA_DIR=os.path.join(self.top, f"data-{self.peer.port}-"
                                                                             f"{time.monotonic_ns()}"))

    def test_another_2xx_with_a_receipt_is_a_receipt(self):
        ids = self.record(2, **self.to)
        self.peer.batch(lambda request: Reply(202, self.peer.receipt(request)))
        self.assertEqual(self.sync(DONE)["accepted"], 2)
        self.assertEqual(sorted(self.peer.ids), sorted(ids))

    def test_a_service_of_an_older_kind(self):
        # It knows neither capabilities nor receipts: the documented counts must do, and must add up.
        ids = self.record(3, **self.to)
        self.peer.on("/api/v1/capabilities", Reply(404, {"message": "no such path"}))

        def counts(less):
            def answer(request):
                receipt = self.peer.receipt(request)
                return Reply(200, {"success": True, "data": {"tool_usages": receipt["data"]["tool_usages"] - less,
                                                             "processing_time_ms": 1}})
            return answer

        self.peer.batch(counts(1))
        self.sync(UNREACHABLE)
        self.assertKept(ids)
        self.peer.batch(counts(0))
        self.sync(DONE)
        self.assertEqual(self.status(**self.to)["queue"]["pending"], 0)

    def test_rejected_records_are_set_aside_with_the_reason(self):
        self.record(4, **self.to)
        odd = []

        def answer(request):
            odd[:] = [one["id"] for one in request.body["tool_usages"]][:2]
            return Reply(200, self.peer.receipt(request, lambda record: {
                "status": "rejected", "code": "invalid", "message": "execution_time_ms: must be 0 or more"}
                if record["id"] in odd else None))

        self.peer.batch(answer)
        told = self.sync(PARTLY)
        self.assertEqual((told["sent"], told["accepted"], told["rejected"], told["remaining"]), (4, 2, 2, 0))
        failed = self.json("queue", "list", "--failed", **self.to)["records"]
        self.assertEqual({one["id"] for one in failed}, set(odd))
        self.assertIn("execution_time_ms: must be 0 or more", failed[0]["reason"])
        self.assertIn("execution_time_ms: must be 0 or more", self.status(**self.to)["queue"]["failed_reason"])
        said = self.cli("status", code=DONE, **self.to).out
        self.assertEqual(said.count("execution_time_ms: must be 0 or more"), 1, said)

    def test_one_bad_record_in_a_hundred_is_found_when_the_service_refuses_whole_batches(self):
        ids = self.record(100, FORTIUM_BATCH_SIZE=100, **self.to)
        poison = ids[37]

        def answer(request):
            if any(one["id"] == poison for one in request.body["tool_usages"]):
                return Reply(400, {"success": False, "message": "tool_usages: something is wrong"})
            return Reply(200, self.peer.receipt(request))

        self.peer.batch(answer)
        told = self.sync(PARTLY, FORTIUM_BATCH_SIZE=100)
        self.assertEqual((told["accepted"], told["rejected"], told["remaining"]), (99, 1, 0))
        [failed] = self.json("queue", "list", "--failed", **self.to)["records"]
        self.assertEqual(failed["id"], poison)
        self.assertLessEqual(len(self.peer.posts()), 12, "more than a binary search")
        self.assertEqual(set(self.peer.ids.values()), {1})

    def test_too_large_is_halved_and_remembered(self):
        ids = self.record(64, FORTIUM_BATCH_SIZE=64, **self.to)
        sizes = []

        def answer(request):
            sizes.append(len(request.body["tool_usages"]))
            if sizes[-1] > 10:
                return Reply(413, {"success": False, "message": "too large"})
            return Reply(200, self.peer.receipt(request))

        self.peer.batch(answer)
        self.sync(DONE, FORTIUM_BATCH_SIZE=64)
        self.assertEqual(sorted(self.peer.ids), sorted(ids))
        self.assertEqual(sizes[:4], [64, 32, 16, 8])
        self.assertEqual(max(sizes[4:]), 8)

    def test_a_single_record_that_is_too_large_is_set_aside(self):
        [small] = self.record(1, **self.to)
        self.cli("record", "--json", "-", input=json.dumps(support.tool_usage(context={"text": "x" * 5000})),
                 code=DONE, **self.to)

        def answer(request):
            if len(json.dumps(request.body)) > 4000:
                return Reply(413, {"success": False, "message": "too large"})
            return Reply(200, self.peer.receipt(request))

        self.peer.batch(answer)
        told = self.sync(PARTLY)
        self.assertEqual((told["accepted"], told["rejected"], told["remaining"]), (1, 1, 0))
        self.assertEqual(list(self.peer.ids), [small])

    def test_415_to_a_compressed_body_is_sent_plain(self):
        self.record(50, FORTIUM_BATCH_SIZE=25, **self.to)
        self.peer.batch(lambda request: Reply(415, {"message": "plain, please"})
                        if request.headers.get("content-encoding") else Reply(200, self.peer.receipt(request)))
        self.sync(DONE, FORTIUM_BATCH_SIZE=25)
        packed = [bool(one.headers.get("content-encoding")) for one in self.peer.posts()]
        self.assertEqual(packed, [True, False, False])  # remembered

    def test_records_the_service_wants_later_stay(self):
        ids = self.record(3, **self.to)
        later = ids[1]
        self.peer.batch(lambda request: Reply(200, self.peer.receipt(request, lambda record: {
            "status": "retry", "code": "newer_version"} if record["id"] == later else None)))
        told = self.sync(PARTLY)  # somebody answers, and as documented: this is no outage
        self.assertEqual((told["accepted"], told["remaining"]), (2, 1))
        [waiting] = self.json("queue", "list", **self.to)["records"]
        self.assertEqual((waiting["id"], waiting["state"]), (later, "pending"))
        self.peer.batch(self.peer.honest)
        self.sync(DONE)
        self.assertEqual(set(self.peer.ids.values()), {1})


class Waiting(Policy):
    def moment(self, text):
        return time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone + float(text[19:-1])

    def test_retry_after_is_the_least(self):
        for status, code in ((429, PARTLY), (503, UNREACHABLE)):
            for value in ("7", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 30))):
                with self.subTest(status=status, value=value):
                    data = {"FORTIUM_DATA_DIR": os.path.join(self.top, f"{status}-{len(value)}")}
                    ids = self.record(2, **{**self.to, **data})
                    self.peer.batch(Reply(status, {"success": False}, {"Retry-After": value}))
                    asked = time.time()
                    self.sync(code, **data)
                    before = len(self.peer.posts())
                    told = self.status(**{**self.to, **data})["sync"]
                    least = asked + 7 if value == "7" else parsedate_to_datetime(value).timestamp()
                    self.assertGreaterEqual(self.moment(told["next_attempt"]), least - 0.1)
                    self.assertLess(self.moment(told["next_attempt"]), asked + 40)
                    # Not even a person may be earlier; and neither is a session's background.
                    self.json("sync", "--timeout", "1s", code=PARTLY if status == 429 else None,
                              **{**self.to, **data})
                    session = self.mcp(**{**self.to, **data, "FORTIUM_SYNC_INTERVAL": 50})
                    session.initialize()
                    session.record()
                    support.until(lambda: session.result("ping") == {}, "the session is alive")
                    session.end()
                    self.assertEqual(len(self.peer.posts()), before)
                    self.assertEqual(self.status(**{**self.to, **data})["queue"]["pending"], len(ids) + 1)

    def json(self, *args, code=DONE, **how):
        if code is None:
            return json.loads(self.cli(*args, "--json", **how).out)
        return super().json(*args, code=code, **how)

    def test_retry_after_that_makes_no_sense(self):
        for number, value in enumerate(("", "soon", "-5", "0", "1e9", "Thu, 99 Foo 2026 00:00:00 GMT")):
            with self.subTest(value=value):
                data = {"FORTIUM_DATA_DIR": os.path.join(self.top, f"odd-{number}")}
                ids = self.record(1, **{**self.to, **data})
                self.peer.batch(Reply(503, {"success": False}, {"Retry-After": value}))
                self.sync(UNREACHABLE, **data)
                self.peer.batch(self.peer.honest)
                self.sync(DONE, **data)
                self.assertIn(ids[0], self.peer.ids)

    def test_an_enormous_retry_after_ends(self):
        self.record(1, **self.to)
        self.peer.batch(Reply(429, {"success": False}, {"Retry-After": "99999999999999999999"}))
        asked = time.time()
        self.sync(PARTLY)
        self.assertLessEqual(self.moment(self.status(**self.to)["sync"]["next_attempt"]), asked + 86_400 + 60)

    def test_retries_of_one_command(self):
        self.record(1, **self.to)
        answers = [Reply(500, {"success": False}), Reply(502, b"<html>")]
        self.peer.batch(lambda request: answers.pop(0) if answers else self.peer.honest(request))
        told = self.sync(DONE, FORTIUM_RETRY_ATTEMPTS=3)
        self.assertEqual((told["accepted"], told["remaining"], told["error"]), (1, 0, None))
        self.assertEqual(len(self.peer.posts()), 3)

    def test_the_background_does_not_hammer(self):
        self.peer.batch(Reply(500, {"success": False}))
        session = self.mcp(**{**self.to, "FORTIUM_SYNC_INTERVAL": 50})
        session.initialize()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            session.record()
        session.end()
        self.assertLessEqual(len(self.peer.requests), 10)


    def test_a_trouble_is_told_once_in_a_session(self):
        for status, least in ((401, 1), (500, 3)):
            with self.subTest(status=status):
                data = {"FORTIUM_DATA_DIR": os.path.join(self.top, f"told-{status}")}
                self.peer.batch(Reply(status, {"success": False, "message": "not for you"}))
                before = len(self.peer.posts())
                session = self.mcp(**{**self.to, **data, "FORTIUM_SYNC_INTERVAL": 50})
                session.initialize()
                session.record()
                support.until(lambda: len(self.peer.posts()) >= before + least, "it was tried")
                support.until(lambda: b"not for you" in session.errors, "it is told")
                session.end()
                self.assertEqual(session.errors.count(b"not for you"), 1, session.errors)


class Redirects(Policy):
    def test_they_are_not_followed_and_the_key_stays_where_it_belongs(self):
        other = Peer(self)
        for status in (301, 302, 303, 307, 308):
            for where in (f"{other.url}/api/v1/metrics/batch", f"http://localhost:{other.port}/x", "/elsewhere",
                          f"//127.0.0.1:{other.port}/x", self.peer.url + "/api/v1/metrics/batch"):
                with self.subTest(status=status, where=where):
                    data = {"FORTIUM_DATA_DIR": os.path.join(self.top, f"r-{time.monotonic_ns()}")}
                    self.record(1, **{**self.to, **data})
                    self.peer.batch(Reply(status, b"", {"Location": where}))
                    self.sync(UNREACHABLE, **data)
        self.assertEqual(other.connections, 0)
        self.assertEqual([one.path for one in self.peer.requests if one.path == "/elsewhere"], [])

    def test_nor_when_capabilities_are_asked(self):
        other = Peer(self)
        self.record(1, **self.to)
        self.peer.on("/api/v1/capabilities", Reply(307, b"", {"Location": other.url + "/api/v1/capabilities"}))
        self.cli("sync", **self.to)
        self.cli("test-connection", **self.to)
        self.assertEqual(other.connections, 0)

    def test_the_words_of_the_service_are_shown_without_the_key(self):
        ids = self.record(1, **self.to)
        self.peer.batch(Reply(500, {"success": False,
                                    "message": f"\x1b[31mno place for {Peer.KEY}\r\n{'x' * 1000}"}))
        done = self.cli("sync", **self.to)
        said = done.out + done.err + self.cli("status", **self.to).out + self.cli("queue", "list", **self.to).out
        self.assertNotIn(Peer.KEY, said)
        self.assertNotIn("\x1b", said)
        self.assertIn("no place for", said)
        self.assertNotIn("x" * 201, said)
        self.assertKept(ids)


class Nonsense(Policy):
    def test_answers_that_are_no_receipt(self):
        def other_batch(request):
            return Reply(200, {**self.peer.receipt(request), "batch_id": "0190a000-0000-7000-8000-000000000000"})

        def without_batch(request):
            receipt = self.peer.receipt(request)
            del receipt["batch_id"]
            return Reply(200, receipt)

        def unsuccessful(request):
            return Reply(200, {**self.peer.receipt(request), "success": False})

        def truncated(request):
            body = json.dumps(self.peer.receipt(request)).encode()
            return Reply(200, body[:-10], {"Content-Type": "application/json"})

        def torn(request):
            return Reply(200, self.peer.receipt(request), cut=200)

        def strangers(request):
            receipt = self.peer.receipt(request)
            for line in receipt["results"]:
                line["id"] = "0190a000-0000-7000-8000-000000000000"
            return Reply(200, receipt)

        def contradiction(request):
            receipt = self.peer.receipt(request)
            receipt["results"] += [{**line, "status": "rejected"} for line in receipt["results"]]
            return Reply(200, receipt)

        cases = {
            "a page of HTML": Reply(200, b"<!doctype html><title>Welcome to the hotel</title>",
                                    {"Content-Type": "text/html"}),
            "nothing": Reply(200, b""), "no content": Reply(204, b""), "null": Reply(200, b"null"),
            "a number": Reply(200, b"1"), "a list": Reply(200, b"[]"), "an empty object": Reply(200, b"{}"),
            "another batch": other_batch, "no batch": without_batch, "no success": unsuccessful,
            "truncated JSON": truncated, "a torn answer": torn, "ids of strangers": strangers,
            "a contradiction": contradiction,
            "deep nesting": Reply(200, b"[" * 100_000), "invalid UTF-8": Reply(200, b'{"success":true,"x":"\xff\xfe"}'),
            "results of another kind": Reply(200, {"success": True, "results": {"a": 1}, "data": {"tool_usages": 3}}),
            "a number that is none": Reply(200, b'{"success":true,"data":{"tool_usages":3e999}}'),
            "no HTTP": Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), "half a head": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-"),
            "a wrong length": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}"),
            "a length of 1 GB": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n{}"),
            "closed without a word": Reply(raw=b""), "reset": support.Reset(),
            "continue, for ever": Reply(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
            "an encoding nobody asked for": Reply(200, b"\x28\xb5\x2f\xfd", {"Content-Encoding": "zstd"}),
            "gzip that is none": Reply(200, b"not gzip", {"Content-Encoding": "gzip"}),
        }
        for name, order in cases.items():
            with self.subTest(answer=name):
                data = {"FORTIUM_DATA_DIR": os.path.join(self.top, name.replace(" ", "-")), "FORTIUM_TIMEOUT": 2000}
                self.record(3, **{**self.to, **data})
                self.peer.ids.clear()
                self.peer.batch(order)
                done = self.cli("sync", "--timeout", "1s", "--json", **{**self.to, **data})
                self.assertIn(done.code, (UNREACHABLE, PARTLY), done)
                told = json.loads(done.out)
                self.assertEqual((told["accepted"], told["duplicates"], told["rejected"], told["remaining"]),
                                 (0, 0, 0, 3), done)
                self.assertTrue(told["error"])
                self.peer.ids.clear()
                self.peer.batch(self.peer.honest)
                self.sync(DONE, **data)
                self.assertEqual(len(self.peer.ids), 3)

    def test_a_receipt_that_forgets_records_delivers_only_those_it_names(self):
        ids = self.record(3, **self.to)

        def forgetful(request):
            receipt = self.peer.receipt(request)
            receipt["results"] = [line for line in receipt["results"] if line["id"] != ids[2]]
            return Reply(200, receipt)

        self.peer.batch(forgetful)
        self.sync(PARTLY)
        self.assertEqual([one["id"] for one in self.json("queue", "list", **self.to)["records"]], [ids[2]])


class Time(Policy):
    """The timeout is total, and one second here; nothing may hold a command longer."""

    def assertInTime(self, order, most=4.0):
        ids = self.record(2, **self.to)
        self.peer.batch(order)
        done = self.cli("sync", "--json", **{**self.to, "FORTIUM_TIMEOUT": 1000})
        self.assertEqual(done.code, UNREACHABLE, done)
        self.assertLess(done.seconds, most)
        self.assertKept(ids)
        return done

    def test_silence(self):
        self.assertInTime(support.Silent())

    def test_a_head_byte_by_byte(self):
        self.assertInTime(support.Slow(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 100, pause=0.05))

    def test_a_body_byte_by_byte(self):
        self.assertInTime(support.Slow(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000, pause=0.05,
                                       piece=8))

    def test_somebody_who_takes_no_data(self):
        # Accepts connections and reads nothing: the request itself does not get through.
        listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.ends_with(listener.close)
        to = {**self.to, "FORTIUM_METRICS_URL": f"http://127.0.0.1:{listener.getsockname()[1]}", "FORTIUM_TIMEOUT": 1000}
        self.record(2, **to)
        done = self.cli("sync", **to)
        self.assertEqual(done.code, UNREACHABLE)
        self.assertLess(done.seconds, 4.0)

    def test_the_whole_command_keeps_to_its_time(self):
        self.record(2, **self.to)
        self.peer.batch(Reply(500, {"success": False}))
        done = self.cli("sync", "--timeout", "1s", "--json", **{**self.to, "FORTIUM_RETRY_ATTEMPTS": 20})
        self.assertNotEqual(done.code, DONE)
        self.assertLess(done.seconds, 4.0)

    def test_an_interrupt_ends_it(self):
        self.record(2, **self.to)
        self.peer.batch(support.Silent())
        process = self.start("sync", env=self.env(**{**self.to, "FORTIUM_TIMEOUT": 60000}), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        support.until(self.peer.posts, "a request is in flight")
        process.send_signal(signal.SIGINT)
        self.assertNotEqual(process.wait(support.DEADLINE), 0)
        self.peer.batch(self.peer.honest)
        self.sync(DONE)  # at once: a lease of somebody who died is free


class Memory(Policy):
    LIMIT = 64 << 20

    def watched(self, order):
        """The peak memory of a sync that meets `order`."""
        self.record(2, **self.to)
        self.peer.batch(order)
        process = self.start("sync", env=self.env(**{**self.to, "FORTIUM_TIMEOUT": 3000}), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        most = 0
        while process.poll() is None:
            try:
                most = max(most, support.high_water(process.pid))
            except OSError:
                pass
            time.sleep(0.002)
        self.assertEqual(process.returncode, UNREACHABLE)
        return most

    def test_an_answer_without_end(self):
        endless = support.Endless()
        self.assertLess(self.watched(endless), self.LIMIT)
        self.assertLess(endless.sent, 256 << 20, "it read on and on")

    def test_a_head_without_end(self):
        self.assertLess(self.watched(support.Endless(head=b"HTTP/1.1 200 OK\r\nX: ", piece=b"y" * 65536)), self.LIMIT)

    def test_headers_without_end(self):
        self.assertLess(self.watched(support.Endless(head=b"HTTP/1.1 200 OK\r\n", piece=b"X-Y: z\r\n" * 4096)),
                        self.LIMIT)

    def test_chunks_without_end(self):
        self.assertLess(self.watched(support.Endless(head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                                     piece=b"8000\r\n" + b"x" * 0x8000 + b"\r\n")), self.LIMIT)

    def test_a_gzip_bomb(self):
        bomb = gzip.compress(b" " * (512 << 20), 9)  # about half a megabyte
        self.assertLess(self.watched(Reply(200, bomb, {"Content-Encoding": "gzip",
                                                       "Content-Type": "application/json"})), self.LIMIT)


class Wire(Policy):
    def test_what_a_request_looks_like(self):
        ids = self.record(40, FORTIUM_BATCH_SIZE=40, **self.to)
        self.cli("record", "model_usage", "model=m", "input_tokens=1", "output_tokens=2", code=DONE, **self.to)
        self.sync(DONE, FORTIUM_BATCH_SIZE=100)
        [post] = self.peer.posts()
        headers = post.headers
        self.assertEqual(post.method, "POST")
        self.assertEqual(headers["authorization"], f"Bearer {Peer.KEY}")
        self.assertEqual(headers["x-organization-id"], "acme")
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(headers["content-encoding"], "gzip")
        self.assertEqual(headers["idempotency-key"], post.body["batch_id"])
        self.assertRegex(headers["user-agent"], r"^fortium-metrics/\d+\.\d+\.\d+$")
        self.assertEqual(sorted(one["id"] for one in post.body["tool_usages"]), sorted(ids))
        record = post.body["tool_usages"][0]
        self.assertEqual(record["device_id"], post.body["device_id"])
        self.assertEqual(record["source"], "cli")
        self.assertRegex(record["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertIn("sent_at", post.body)
        self.assertEqual(len(post.body["model_usages"]), 1)

    def test_a_base_path_is_kept(self):
        self.record(1, **{**self.to, "FORTIUM_METRICS_URL": self.peer.url + "/base/"})
        self.peer.on("/base/api/v1/metrics/batch", lambda request: Reply(200, self.peer.receipt(request)))
        self.peer.on("/base/api/v1/capabilities", lambda request: self.peer.honest(
            request._replace(path="/api/v1/capabilities")))
        self.sync(DONE, FORTIUM_METRICS_URL=self.peer.url + "/base/")

    def test_advertised_limits_hold(self):
        self.peer.limits = {"max_batch_records": 7, "max_body_bytes": 10 << 20}
        self.record(30, **self.to)
        self.sync(DONE)
        self.assertEqual(max(len(one.body["tool_usages"]) for one in self.peer.posts()), 7)
        self.peer.limits = {"max_batch_records": 1000, "max_body_bytes": 4096}
        other = {"FORTIUM_DATA_DIR": os.path.join(self.top, "other")}
        self.record(60, **{**self.to, **other})
        before = len(self.peer.posts())
        self.sync(DONE, **other)
        for post in self.peer.posts()[before:]:
            self.assertLessEqual(len(json.dumps(post.body, separators=(",", ":")).encode()), 4096)

    def test_one_connection_serves_a_whole_sync(self):
        self.record(200, **self.to)
        self.sync(DONE, FORTIUM_BATCH_SIZE=10)
        self.assertEqual(len(self.peer.posts()), 20)
        self.assertLessEqual(self.peer.connections, 2)

    def test_a_kept_connection_that_the_service_closed_costs_nothing(self):
        self.record(4, **self.to)

        def once(request):
            reply = Reply(200, self.peer.receipt(request))
            reply.headers["Connection"] = "keep-alive"
            reply.raw = reply.bytes()  # and closed afterwards, unannounced
            return reply

        self.peer.batch(once)
        told = self.sync(DONE, FORTIUM_BATCH_SIZE=1, FORTIUM_RETRY_ATTEMPTS=3)
        self.assertEqual((told["accepted"] + told["duplicates"], told["remaining"]), (4, 0))

    def test_two_hosts_never_share_a_key(self):
        other = Peer(self)
        self.record(1, **self.to)
        there = {**self.to, "FORTIUM_METRICS_URL": other.url, "FORTIUM_API_KEY": "fm_other"}
        self.record(1, **there)
        self.cli("sync", **there)
        self.assertEqual({one.headers["authorization"] for one in other.requests}, {"Bearer fm_other"})
        self.cli("sync", **self.to)
        self.assertEqual({one.headers["authorization"] for one in self.peer.requests}, {f"Bearer {Peer.KEY}"})

    def test_plain_http_to_the_world_is_refused(self):
        for url in ("http://192.0.2.1:8080", "http://metrics.example.com"):
            done = self.cli("sync", **{**self.to, "FORTIUM_METRICS_URL": url})
            self.assertEqual(done.code, CONFIGURATION)
            self.assertIn("https", done.err)


class Tls(support.Case):
    def setUp(self):
        super().setUp()
        self.authority = support.Authority(self)

    def deliver(self, context, code, url=None, **variables):
        peer = Peer(self, context)
        to = {**peer.settings(), "FORTIUM_METRICS_URL": url(peer) if url else peer.url, **variables}
        to["FORTIUM_DATA_DIR"] = os.path.join(self.top, f"tls-{peer.port}")
        ids = self.record(2, **to)
        done = self.cli("sync", "--json", **to)
        self.assertEqual(done.code, code, done)
        if code == DONE:
            self.assertEqual(sorted(peer.ids), sorted(ids))
        else:
            self.assertNotIn(Peer.KEY, str(peer.requests), "the key was sent to somebody unknown")
            self.assertTrue(json.loads(done.out)["error"])
            self.assertEqual(self.status(**to)["queue"]["pending"], 2)
        return done

    def test_an_authority_of_our_own(self):
        self.deliver(self.authority.context(), DONE, FORTIUM_CA_FILE=self.authority.ca)
        self.deliver(self.authority.context(), DONE, SSL_CERT_FILE=self.authority.ca)
        self.deliver(self.authority.context("DNS:localhost"), DONE, url=lambda peer: f"https://localhost:{peer.port}",
                     FORTIUM_CA_FILE=self.authority.ca)

    def test_an_unknown_authority(self):
        done = self.deliver(self.authority.context(), UNREACHABLE)
        self.assertIn("certificate", done.out + done.err)

    def test_a_certificate_of_its_own(self):
        self.deliver(self.authority.context(own=True), UNREACHABLE, FORTIUM_CA_FILE=self.authority.ca)

    def test_another_host(self):
        self.deliver(self.authority.context("DNS:other.example.com"), UNREACHABLE, FORTIUM_CA_FILE=self.authority.ca)
        self.deliver(self.authority.context("DNS:*.example.com,IP:127.0.0.2"), UNREACHABLE,
                     FORTIUM_CA_FILE=self.authority.ca)

    def test_expired_and_not_yet_valid(self):
        stamp = "%Y%m%d%H%M%SZ"
        now = time.time()
        for begin, end in ((now - 20 * 86400, now - 86400), (now + 86400, now + 20 * 86400)):
            context = self.authority.context(begin=time.strftime(stamp, time.gmtime(begin)),
                                             end=time.strftime(stamp, time.gmtime(end)))
            self.deliver(context, UNREACHABLE, FORTIUM_CA_FILE=self.authority.ca)

    def test_an_old_protocol(self):
        context = self.authority.context()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        self.deliver(context, UNREACHABLE, FORTIUM_CA_FILE=self.authority.ca)

    def test_plain_text_where_tls_should_be(self):
        self.deliver(None, UNREACHABLE, url=lambda peer: f"https://127.0.0.1:{peer.port}",
                     FORTIUM_CA_FILE=self.authority.ca)

    def test_a_ca_file_that_is_not_there_or_none(self):
        bad = os.path.join(self.top, "bad.pem")
        with open(bad, "w") as file:
            file.write("nothing\n")
        for path in (os.path.join(self.top, "no-such-file"), bad):
            done = self.deliver(self.authority.context(), UNREACHABLE, FORTIUM_CA_FILE=path)
            self.assertIn(path, done.out + done.err)

    def test_somebody_who_never_finishes_the_handshake(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.ends_with(listener.close)
        held = []

        def hold():
            try:
                held.append(listener.accept()[0])
            except OSError:
                pass

        threading.Thread(target=hold, daemon=True).start()
        to = {"FORTIUM_METRICS_URL": f"https://127.0.0.1:{listener.getsockname()[1]}", "FORTIUM_API_KEY": "fm_k",
              "FORTIUM_TIMEOUT": 1000, "FORTIUM_RETRY_ATTEMPTS": 0}
        self.record(1, **to)
        done = self.cli("sync", **to)
        self.assertEqual(done.code, UNREACHABLE)
        self.assertLess(done.seconds, 4.0)
        for one in held:
            one.close()


if __name__ == "__main__":
    support.main()
