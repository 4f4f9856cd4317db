#!/usr/bin/python3
"""The wall clock is wrong, jumps, or stands before there was any: F10."""

import time

import faults
from faults import Machine, tell, times
from support import DONE, Peer, Reply, until

DAY, YEAR = 86_400, 31_557_600
# How far ahead the clock is; before 1970 too, and over the change to summer time, which a UTC clock does not know.
CLOCKS = {"a day back": -DAY, "ten years ahead": 10 * YEAR, "an hour ahead": 3600, "an hour back": -3600,
          "before 1970": -int(time.time()) - 1000, "to the leap second of 2016": 1_483_228_799 - int(time.time())}


class Clock(faults.Case):
    def setUp(self):
        super().setUp()
        self.peer = Peer(self)

    def at(self, ahead):
        return Machine(self).env(ahead=ahead, acts="")

    def test_records_made_at_any_time_are_kept(self):
        for name, ahead in CLOCKS.items():
            with self.subTest(clock=name):
                to = self.fresh()
                done = self.hand_in(3, **to, **self.at(ahead))
                self.assertEqual(done.code, DONE, done)
                self.hand_in(1, code=DONE, **to)
                self.oracle.check()
                [(first, last)] = self.store().execute("SELECT min(recorded_at), max(recorded_at) FROM tool_usage")
                self.assertAlmostEqual((last - first) / 1000, abs(ahead), delta=60)  # it was another clock indeed

    def test_back_off_and_pauses_end_whatever_the_clock_does(self):
        """The wait was written by one clock and is read by another; a session must get through within a few seconds."""
        for status in (500, 401, 429):
            for name, ahead in CLOCKS.items():
                with self.subTest(status=status, clock=name):
                    to = {**self.fresh(), **self.peer.settings(FORTIUM_SYNC_INTERVAL=50)}
                    self.peer.ids.clear()
                    self.peer.batch(Reply(status, {"success": False, "message": "no"}))
                    self.hand_in(2, code=DONE, **to)
                    self.cli("sync", **to, **self.at(ahead))
                    self.peer.batch(self.peer.honest)
                    session = self.mcp(**to)
                    session.initialize()
                    until(lambda: len(self.peer.ids) == 2, "it is sent", 15)
                    session.end()
                    self.oracle.check(dict(self.peer.ids))

    def test_the_lease_of_another_clock_ends(self):
        """A sender with a clock far ahead is killed while it holds the lease."""
        for name, ahead in CLOCKS.items():
            with self.subTest(clock=name):
                to = {**self.fresh(), **self.peer.settings()}
                self.peer.ids.clear()
                self.peer.batch(self.peer.honest)
                self.hand_in(2, code=DONE, **to)
                self.cli("sync", **to, **Machine(self).env(acts="c", kill=3, ahead=ahead))
                self.json("sync", code=DONE, **to)
                self.oracle.check_drained(dict.fromkeys(self.peer.ids, 1), **to)
        tell("F10", "wall clocks that are wrong: when recording, backing off, holding the lease", 3 * len(CLOCKS), lost=0,
             double=0)

    def test_deferred_records_do_not_wait_for_a_clock_that_was_set_back(self):
        """Of one session that is told by unit/sync/engine_test.cpp; a new one does not wait either."""
        to = {**self.fresh(), **self.peer.settings()}
        self.hand_in(1, code=DONE, **to)
        self.peer.batch(lambda request: Reply(200, self.peer.receipt(request, lambda record: {"status": "retry"})))
        self.cli("sync", **to, **self.at(10 * YEAR))
        self.peer.batch(self.peer.honest)
        self.json("sync", code=DONE, **to)
        self.oracle.check_drained(dict(self.peer.ids), **to)


if __name__ == "__main__":
    faults.main()
