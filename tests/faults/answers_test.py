#!/usr/bin/python3
"""One table of what a service, or something in its place, can answer: every status, with every header, over every body.

What is expected follows from three rules, not from the table: only a 2xx with a well-formed receipt of this very batch
delivers, and only the records that it names; who asks to be left alone is left alone; and nobody is asked in a loop."""

import gzip
import json
import sys
import time
from email.utils import formatdate

import faults
import policy_test
import support
from faults import SEED, tell, times
from support import DONE, PARTLY, UNREACHABLE, Peer, Reply

STATUSES = sorted({200, 201, 202, 206, 299, 300, 303, 305, 306, 402, 406, 411, 412, 414, 416, 417, 421, 423, 424, 426,
                   428, 431, 444, 499, 505, 506, 508, 510, 520, 599, 600, 999} | set(policy_test.STATUSES))
DAY = 86_400
# Retry-After as it is sent -> the seconds that are meant; 0: nothing that makes sense, so nothing is asked for.
RETRY_AFTER = {"7": 7, "0": 0, "-5": 0, "soon": 0, "1e9": 0, "1000000000": DAY, "9" * 40: DAY,
               "Thu, 99 Foo 2026 00:00:00 GMT": 0}
HEADERS = [{}, *({"Retry-After": value} for value in RETRY_AFTER), {"Retry-After": "in 30 s"},
           {"Location": "http://127.0.0.1:1/api/v1/metrics/batch"}, {"Content-Type": "text/html"},
           {"Content-Encoding": "gzip"}, {"X-Large": "x" * 7000}, {"Set-Cookie": "a=b", "Date": "yesterday"}]


def heeds(status):
    """Who may ask for a time without requests."""
    return status in (408, 425, 429) or 500 <= status <= 599


def changed(receipt, **fields):
    return {**receipt, **fields}


def lines(receipt, change):
    return {**receipt, "results": change(receipt["results"])}


OTHER = "0190a000-0000-7000-8000-000000000000"
# name -> (body of a whole receipt -> body; how many of three records it delivers with a 2xx)
BODIES = {
    "a receipt": (lambda r: r, 3),
    "an error": (lambda r: {"success": False, "message": "no", "errors": [{"field": "x", "message": "y"}]}, 0),
    "nothing": (lambda r: b"", 0),
    "HTML": (lambda r: b"<!doctype html><title>Welcome to the hotel</title>", 0),
    "a truncated receipt": (lambda r: json.dumps(r).encode()[:-9], 0),
    "two receipts": (lambda r: json.dumps(r).encode() * 2, 0),
    "a receipt of another batch": (lambda r: changed(r, batch_id=OTHER), 0),
    "a receipt of no batch": (lambda r: {k: v for k, v in r.items() if k != "batch_id"}, 0),
    "no success": (lambda r: changed(r, success=False), 0),
    "success in words": (lambda r: changed(r, success="true"), 0),
    "a receipt without a record": (lambda r: lines(r, lambda l: l[1:]), 2),
    "a receipt of nobody": (lambda r: lines(r, lambda l: []), 0),
    "a receipt with a stranger": (lambda r: lines(r, lambda l: l + [{"index": 9, "id": OTHER, "status": "accepted"}]), 3),
    "a receipt of strangers": (lambda r: lines(r, lambda l: [{**one, "id": OTHER} for one in l]), 0),
    "each line twice": (lambda r: lines(r, lambda l: l + l), 3),
    "lines in another order": (lambda r: lines(r, lambda l: [{k: v for k, v in one.items() if k != "index"}
                                                               for one in l[::-1]]), 3),
    "each line and its opposite": (lambda r: lines(r, lambda l: l + [{**o, "status": "rejected"} for o in l]), 0),
    "a status nobody knows": (lambda r: lines(r, lambda l: [{**one, "status": "fine"} for one in l]), 0),
    "results of another kind": (lambda r: changed(r, results={"all": "accepted"}), 0),
    "a gzip bomb": (lambda r: BOMB, 0),
    "deep nesting": (lambda r: b"[" * 100_000, 0),
    "invalid UTF-8": (lambda r: b'{"success":true,"batch_id":"\xff\xfe"}', 0),
}
BOMB = gzip.compress(b" " * (256 << 20), 9)


class Answers(faults.Case):
    """F11, F12, F14."""

    def setUp(self):
        super().setUp()
        self.peer = Peer(self)
        self.other = Peer(self)

    def all(self):
        """Every status, every header, every body, and so many of their combinations, by chance."""
        each = [(s, self.chance.choice(HEADERS), "an error") for s in STATUSES]
        each += [(self.chance.choice(STATUSES), h, self.chance.choice(list(BODIES))) for h in HEADERS]
        each += [(s, {}, b) for s in (200, 503) for b in BODIES]
        triples = [(s, h, b) for s in STATUSES for h in HEADERS for b in BODIES]
        return each + self.chance.sample(triples, times(40, 1500))

    def test_every_answer(self):
        tried = 0
        for status, headers, body in self.all():
            with self.subTest(status=status, headers=str(headers)[:60], body=body, seed=SEED):
                self.one(status, headers, body)
            tried += 1
        self.assertEqual(self.other.connections, 0)
        tell("F11–F14", "answers: a status with a header over a body", tried, lost=0, double=0)

    def one(self, status, headers, body):
        make, good = BODIES[body]
        headers = {name: value.replace("127.0.0.1:1/", f"127.0.0.1:{self.other.port}/") for name, value in
                   headers.items()}
        if body == "a gzip bomb":
            headers = {**headers, "Content-Encoding": "gzip"}
        packed = headers.get("Content-Encoding") == "gzip" and body != "a gzip bomb"
        # A body that says it is packed, and is not, is no answer at all.
        delivers = good if 200 <= status <= 299 and not packed else 0

        to = {**self.fresh(), **self.peer.settings(FORTIUM_TIMEOUT=3000)}
        self.peer.ids.clear()
        self.hand_in(3, code=DONE, **to)
        taken = {}

        def answer(request):
            receipt = self.peer.receipt(request)
            taken.update(self.peer.ids)
            self.peer.ids.clear()  # whether it is counted shows by what is delivered
            return Reply(status, make(receipt), headers)

        self.peer.batch(answer)
        before, asked = len(self.peer.posts()), time.time()
        done = self.cli("sync", "--timeout", "10s", "--json", **to)
        told = json.loads(done.out)
        self.assertEqual(told["accepted"] + told["duplicates"], delivers)
        self.assertEqual((told["rejected"], told["remaining"]), (0, 3 - delivers))
        self.assertLessEqual(len(self.peer.posts()) - before, 8, "a hot loop")
        if delivers == 3:
            self.assertEqual(done.code, DONE)
        else:
            self.assertIn(done.code, {policy_test.STATUSES[status][0]} if status in policy_test.STATUSES and not packed
                          and body != "a gzip bomb" else {UNREACHABLE, PARTLY})
            self.assertTrue(told["error"] or delivers)
        self.assertRests(status, headers, asked, to, delivers or packed or body == "a gzip bomb")
        # Nothing is lost, nothing is counted twice, and it is what the program says.
        counted = dict.fromkeys(sorted(taken)[:0], 1)
        seen = self.oracle.check({**counted, **{one: 1 for one in self.oracle.acknowledged - set(self.queued())}})
        self.assertEqual(sum(seen.queued.values()), 3 - delivers)
        self.assertEqual(self.json("status", **to)["queue"]["pending"], 3 - delivers)
        self.oracle.check_silent(done.out, done.err)

    def queued(self):
        return self.oracle.look().queued

    def assertRests(self, status, headers, asked, to, excused):
        """Retry-After is the least that is waited, where the service can mean it, and a day the most."""
        value = headers.get("Retry-After")
        if excused or value is None or not heeds(status):
            return
        least = RETRY_AFTER.get(value, 0)
        told = self.json("status", **to)["sync"]["next_attempt"]
        wait = policy_test.Waiting.moment(self, told) - asked
        self.assertGreaterEqual(wait, least - 0.1)
        self.assertLessEqual(wait, least + 20)
        if least:
            posts = len(self.peer.posts())
            self.cli("sync", "--timeout", "1s", **to)  # not even a person
            self.assertEqual(len(self.peer.posts()), posts)

    def test_a_date_to_wait_for(self):
        for status in (429, 503, 500, 408, 425):
            to = {**self.fresh(), **self.peer.settings()}
            self.hand_in(1, code=DONE, **to)
            self.peer.batch(Reply(status, {"success": False}, {"Retry-After": formatdate(time.time() + 30, usegmt=True)}))
            asked = time.time()
            self.cli("sync", **to)
            told = self.json("status", **to)["sync"]["next_attempt"]
            self.assertGreaterEqual(policy_test.Waiting.moment(self, told) - asked, 28)


class Slowness(faults.Case):
    """F13: whoever is slow, silent or endless is left at the deadline, and costs no memory."""

    def setUp(self):
        super().setUp()
        self.peer = Peer(self)

    SLOW = {
        "a head byte by byte": lambda: support.Slow(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 100, 0.05),
        "a body byte by byte": lambda: support.Slow(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000, 0.05),
        "silence": support.Silent,
        "a body without end": support.Endless,
        "a head without end": lambda: support.Endless(head=b"HTTP/1.1 200 OK\r\nX: "),
        "headers without end": lambda: support.Endless(head=b"HTTP/1.1 200 OK\r\n", piece=b"X-Y: z\r\n" * 4096),
        "chunks without end": lambda: support.Endless(head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                                      piece=b"8000\r\n" + b"x" * 0x8000 + b"\r\n"),
        "a reset": support.Reset,
        "a byte a second": lambda: support.Slow(b"HTTP/1.1 200 OK\r\n\r\n", 1.0),
    }

    def test_each(self):
        for name, make in self.SLOW.items():
            with self.subTest(peer=name):
                to = {**self.fresh(), **self.peer.settings(FORTIUM_TIMEOUT=1000)}
                self.hand_in(2, code=DONE, **to)
                self.peer.batch(make())
                done = self.cli("sync", "--json", **to, timeout=20)
                self.assertEqual(done.code, UNREACHABLE)
                self.oracle.check({})
                self.assertEqual(sum(self.oracle.look().queued.values()), 2)
        tell("F13", "a peer that is slow, silent or endless", len(self.SLOW), lost=0, double=0)


if __name__ == "__main__":
    sys.exit(faults.main())
