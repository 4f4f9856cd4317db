#!/usr/bin/python3
"""The home is on a network file system, as far as anybody can tell: other machines may write there, too."""

import os
import sqlite3

import faults
from faults import Machine, tell, times
from support import DONE


class Network(faults.Case):
    """F24."""

    def journal(self):
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as file:
            return file.execute("PRAGMA journal_mode").fetchone()[0]

    def test_doctor_says_so(self):
        to = {**self.fresh(), **Machine(self).env(network=1)}
        self.hand_in(1, code=DONE, **to)
        found = {one["name"]: one for one in self.json("doctor", **to)["checks"]}["file system"]
        self.assertEqual(found["status"], "warning")
        self.assertIn("is on NFS", found["detail"])
        self.assertIn("FORTIUM_DATA_DIR", found["hint"])

    def test_a_journal_instead_of_a_log(self):
        to = self.fresh()
        near, far = to, {**to, **Machine(self).env(network=1)}
        for where, journal in ((far, "delete"), (near, "wal"), (far, "delete"), (far, "delete")):
            self.hand_in(3, code=DONE, **where)
            self.assertEqual(self.journal(), journal)
            self.assertEqual(os.path.exists(self.database + "-wal"), journal == "wal")
            self.oracle.check()

    def test_a_log_in_use_stays(self):
        near = self.fresh()
        far = {**near, **Machine(self).env(network=1)}
        sessions = [self.mcp(**near), self.mcp(**far)]
        for session in sessions:
            session.initialize()
            session.record()
        for session in sessions:
            session.record()
        self.assertEqual(self.journal(), "wal")
        for session in sessions:
            session.end()
            self.oracle.acknowledge(session.acknowledged())
        self.oracle.check()
        self.cli("status", code=DONE, **far)
        later = self.mcp(**far)
        later.initialize()
        later.record()
        self.assertEqual(self.journal(), "delete")
        later.end()
        self.oracle.acknowledge(later.acknowledged())
        self.oracle.check()

    def test_killed_at_every_call(self):
        to = self.fresh()
        machine = Machine(self)
        self.hand_in(3, code=DONE, **to, **machine.env(network=1))
        last, tried = machine.acts(), 0
        for torn in (0, 1):
            for number in range(1, last + 1):
                to = self.fresh()
                for _ in range(times(1, 4)):
                    done = self.hand_in(3, **to, **Machine(self).env(kill=number, torn=torn, network=1))
                    self.oracle.check()
                    tried += done.code != DONE
                self.hand_in(1, code=DONE, **to, **Machine(self).env(network=1))
                self.oracle.check()
        self.assertGreater(tried, last)
        tell("F24", "recorder killed at every call, with a rollback journal", tried, lost=0, double=0)

    def test_the_power_goes(self):
        lost = 0
        while lost < times(20, 300):
            to = self.fresh()
            machine = Machine(self, platter=True)
            self.hand_in(1, code=DONE, **to, **machine.env(network=1))
            for _ in range(20):
                acts = max(machine.acts(), 20)
                done = self.hand_in(3, **to, **machine.env(lose=self.chance.randrange(1, acts + 10), network=1,
                                                           seed=self.chance.randrange(1 << 30)))
                lost += done.code != DONE
                self.oracle.check()
        tell("F24", "power lost, with a rollback journal", lost, lost=0, double=0)

    def test_several_at_once(self):
        to = {**self.fresh(), **Machine(self).env(network=1)}
        sessions = [self.mcp(**to) for _ in range(4)]
        for session in sessions:
            session.initialize()
        for _ in range(times(10, 100)):
            for session in sessions:
                session.record()
            self.cli("report", "summary", "--json", code=DONE, **to)
        for session in sessions:
            session.end()
            self.oracle.acknowledge(session.acknowledged())
        self.assertEqual(self.journal(), "delete")
        self.oracle.check()
        tell("F24", "four sessions and a reader, with a rollback journal", len(self.oracle.acknowledged), lost=0, double=0)


if __name__ == "__main__":
    faults.main()
