#!/usr/bin/python3
"""A service that refuses: one bad record must not hold up the others, and a broken service must not empty the queue."""

import json
import math

import faults
from faults import tell, times
from support import CONFIGURATION, CREDENTIALS, DONE, PARTLY, Peer, Reply, Service


class Poison(faults.Case):
    """F20."""

    def setUp(self):
        super().setUp()
        self.peer = Peer(self)

    def refuse(self, is_bad, status=400):
        """A service that refuses a whole batch for one bad record, and does not say which."""
        self.peer.ids.clear()
        before = len(self.peer.posts())

        def answer(request):
            ids = [one["id"] for one in request.body["tool_usages"]]
            if is_bad(set(ids)):
                return Reply(status, {"success": False, "message": "tool_usages: something is wrong"})
            return Reply(200, self.peer.receipt(request))

        self.peer.batch(answer)
        return lambda: [{one["id"] for one in post.body["tool_usages"]} for post in self.peer.posts()[before:]]

    def settled(self, bad, to):
        """Exactly the bad ones are set aside, with the service's words; all others are counted once."""
        seen = self.oracle.check(dict(self.peer.ids))
        self.assertEqual(seen.aside, bad)
        self.assertEqual(set(self.peer.ids), self.oracle.acknowledged - bad)
        failed = self.json("queue", "list", "--failed", **to)["records"]
        self.assertEqual({one["id"] for one in failed}, bad)
        for one in failed:
            self.assertIn("something is wrong", one["reason"])
        self.oracle.check_told(**to)

    def test_one_bad_record_costs_no_more_than_a_binary_search(self):
        tried = 0
        for size in times((2, 7, 100), (2, 3, 5, 8, 20, 64, 100, 333, 1000)):
            for status in (400, 422):
                to = {**self.fresh(), **self.peer.settings(FORTIUM_BATCH_SIZE=size)}
                self.hand_in(size, code=DONE, **to)
                bad = self.chance.choice(sorted(self.oracle.acknowledged))
                requests = self.refuse(lambda ids: bad in ids, status)
                self.json("sync", code=PARTLY, **to)
                extra = sum(bad in ids for ids in requests()) - 1
                self.assertLessEqual(extra, math.ceil(math.log2(size)))
                self.settled({bad}, to)
                tried += 1
        tell("F20", "one bad record in a batch", tried, lost=0, double=0)

    def test_several_bad_records(self):
        for count in times((3,), (2, 5, 10, 50, 99)):
            to = {**self.fresh(), **self.peer.settings(FORTIUM_BATCH_SIZE=100)}
            self.hand_in(300, code=DONE, **to)
            bad = set(self.chance.sample(sorted(self.oracle.acknowledged), count))
            self.refuse(lambda ids: bool(bad & ids))
            self.json("sync", code=PARTLY, **to)
            self.settled(bad, to)
        tell("F20", "several bad records", times(1, 5), lost=0, double=0)

    def test_all_bad(self):
        """Then it is the service that is broken: nothing is set aside, the lane pauses, and it says so."""
        to = {**self.fresh(), **self.peer.settings(FORTIUM_BATCH_SIZE=50)}
        self.hand_in(50, code=DONE, **to)
        requests = self.refuse(lambda ids: True)
        self.json("sync", code=CONFIGURATION, **to)
        self.assertLessEqual(len(requests()), 30)
        self.assertEqual(sum(self.oracle.check({}).queued.values()), 50)
        self.assertEqual(self.status(**to)["sync"]["circuit"], "paused")
        self.refuse(lambda ids: False)
        self.json("sync", code=DONE, **to)
        self.oracle.check_drained(dict(self.peer.ids), **to)

    def test_bad_only_together(self):
        to = {**self.fresh(), **self.peer.settings(FORTIUM_BATCH_SIZE=16)}
        self.hand_in(16, code=DONE, **to)
        pair = set(self.chance.sample(sorted(self.oracle.acknowledged), 2))
        self.refuse(lambda ids: pair <= ids)
        self.json("sync", code=DONE, **to)
        self.settled(set(), to)

    def test_too_large_for_the_service(self):
        to = {**self.fresh(), **self.peer.settings(FORTIUM_BATCH_SIZE=64)}
        self.hand_in(60, code=DONE, **to)
        small = set(self.oracle.acknowledged)
        self.hand_in(1, code=DONE, more={"context": {"text": "x" * 40_000}}, **to)
        [large] = self.oracle.acknowledged - small

        def answer(request):
            if len(json.dumps(request.body)) > 30_000:
                return Reply(413, {"success": False, "message": "something is wrong: too large"})
            return Reply(200, self.peer.receipt(request))

        self.peer.batch(answer)
        self.json("sync", code=PARTLY, **to)
        self.settled({large}, to)


class Accounts(faults.Case):
    """F22: what was recorded for one is never delivered to another."""

    def setUp(self):
        super().setUp()
        self.service = Service(self)
        self.keys = {"acme": self.service.key, "umbrella": self.service.add_organization("umbrella")}

    def settings(self, name, key=None):
        return {**self.to, **self.service.settings(key=key or self.keys[name], organization=name)}

    def record_for(self, name, count, **more):
        before = set(self.oracle.acknowledged)
        self.hand_in(count, code=DONE, **{**self.settings(name), **more})
        self.of.setdefault(name, set()).update(self.oracle.acknowledged - before)

    def test_organizations_switched_while_the_queue_is_full(self):
        self.to, self.of = self.fresh(), {}
        for _ in range(times(6, 100)):
            name = self.chance.choice(sorted(self.keys))
            self.record_for(name, self.chance.randrange(1, 30))
            if self.chance.random() < 0.5:
                self.cli("sync", **self.settings(self.chance.choice(sorted(self.keys))))
            for one, ids in self.of.items():
                self.assertLessEqual(set(self.service.ids(self.keys[one])), ids, "delivered to another organization")
        for name in self.of:
            self.cli("sync", **self.settings(name))
            self.assertEqual(dict(self.service.ids(self.keys[name])), dict.fromkeys(self.of[name], 1))
        tell("F22", "organizations switched with a full queue", times(6, 100), lost=0, double=0)

    def test_a_key_that_is_rotated_and_one_that_is_revoked(self):
        self.to, self.of = self.fresh(), {}
        self.record_for("acme", 5)
        [old] = [one for one in self.service.tell("key", "list", "--tenant", "acme")["keys"]] \
            if "keys" in self.service.tell("key", "list", "--tenant", "acme") else [None]
        if old is None:
            self.skipTest("the list of keys has another shape")
        new = self.service.tell("key", "create", "--tenant", "acme", "--scope", "ingest,read")["key"]
        self.service.tell("key", "revoke", old["id"])

        def refused():
            return self.cli("sync", "--json", **self.settings("acme")).code == CREDENTIALS

        faults.support.until(refused, "the revoked key is refused")
        self.record_for("acme", 3)  # recording goes on
        self.assertEqual(sum(self.oracle.check({}).queued.values()), 8)
        self.keys["acme"] = new
        self.json("sync", code=DONE, **self.settings("acme"))
        self.oracle.check_drained(self.service.ids(new), **self.settings("acme"))


if __name__ == "__main__":
    faults.main()
