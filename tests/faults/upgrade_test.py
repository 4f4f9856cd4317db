#!/usr/bin/python3
"""An old and a new program on one store. A migration killed midway is a first start killed at any call: kills_test.py."""

import sqlite3

import faults
from faults import tell
from support import DONE, Peer, STORE, until


class Upgrade(faults.Case):
    """F21."""

    def newer(self, version=99):
        """As a newer program leaves the store."""
        own = sqlite3.connect(self.database)
        own.execute(f"PRAGMA user_version = {version}")
        own.commit()
        own.close()

    def test_a_newer_store_is_left_alone_and_what_was_spooled_comes_in_with_the_upgrade(self):
        to = {**self.fresh(), **Peer(self).settings()}
        self.hand_in(3, code=DONE, **to)
        self.newer()
        before = self.look()
        self.hand_in(4, code=DONE, **to)
        self.assertEqual(self.cli("sync", **to).code, STORE)
        status = self.cli("status", **to)
        self.assertEqual(status.code, STORE)
        self.assertIn("update fortium-metrics", status.out + status.err)
        self.assertEqual(self.look(), before, "a newer store was changed")
        self.assertEqual(len(self.oracle.look().spooled), 4)
        self.newer(1)  # the upgraded program
        self.hand_in(1, code=DONE, **to)
        seen = self.oracle.check()
        self.assertEqual((len(seen.stored), seen.spooled), (8, []))
        self.oracle.check_told(**to)

    def look(self):
        store = self.store()
        return list(store.iterdump())

    def test_a_session_that_runs_while_the_store_is_upgraded(self):
        peer = Peer(self)
        to = {**self.fresh(), **peer.settings(FORTIUM_SYNC_INTERVAL=50)}
        session = self.mcp(**to)
        session.initialize()
        session.record()
        until(lambda: peer.ids, "the background delivers")
        self.newer()
        session.call("get-tool-metrics")  # whoever asks finds out
        session.record()
        session.record()
        until(lambda: b"update fortium-metrics" in session.errors, "the person is told")
        self.assertEqual(session.end()[0], DONE)
        self.oracle.acknowledge(session.acknowledged())
        seen = self.oracle.look()
        self.assertEqual((len(seen.stored), len(seen.spooled)), (1, 2))
        self.newer(1)
        self.hand_in(1, code=DONE, **to)
        self.oracle.handed.clear()
        self.json("sync", code=DONE, **to)
        self.oracle.check_drained(dict(peer.ids), **to)
        tell("F21", "a store that becomes newer under a running session", 1, lost=0, double=0)


if __name__ == "__main__":
    faults.main()
