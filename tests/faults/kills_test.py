#!/usr/bin/python3
"""Processes that end in the middle of something: killed by anyone, at any moment, at every single call."""

import subprocess

import faults
import support
from faults import Machine, tell, times
from support import DONE


class Recorder(faults.Case):
    """F1, F23."""

    def test_at_every_call(self):
        """A recorder is killed at each of its calls to the system, whole and half done; the next one finds a store."""
        to = self.fresh()
        machine = Machine(self)
        self.hand_in(3, code=DONE, **to, **machine.env())
        last = machine.acts()
        self.assertGreater(last, 10)
        tried = 0
        for torn in (0, 1):
            for number in range(1, last + 1):
                to = self.fresh()
                for _ in range(times(1, 4)):
                    done = self.hand_in(3, **to, **Machine(self).env(kill=number, torn=torn))
                    self.oracle.check()
                    tried += done.code != DONE
                self.hand_in(1, code=DONE, **to)
                self.oracle.check()
        self.assertGreater(tried, last)
        tell("F1", "recorder killed at every call to the system", tried)

    def test_at_random(self):
        """A session is killed while calls are in flight; now and then the store is checked and replaced."""
        killed, acknowledged = 0, 0
        while killed < times(200, 1000):
            to = self.fresh()
            for _ in range(100):
                session = self.mcp(**to)
                session.initialize()
                calls = [session.call_message("record-tool-usage", {"tool_name": "T", "execution_time_ms": n,
                                                                    "status": "success"}) for n in range(60)]
                session.send(*calls)
                wanted = self.chance.randrange(0, 60)
                support.until(lambda: len(session.acknowledged()) >= wanted, "some are acknowledged")
                session.process.kill()
                session.wait_end()
                self.oracle.acknowledge(session.acknowledged())
                session.kill()
                killed += 1
                if killed % 10 == 0:
                    self.oracle.check()
            self.oracle.check()
            self.oracle.check_told(**to)
            acknowledged += len(self.oracle.acknowledged)
        tell("F1", "session killed at a random moment", killed, acknowledged=acknowledged, lost=0, double=0)


class Sender(faults.Case):
    """F2."""

    def setUp(self):
        super().setUp()
        self.service = support.Service(self)

    def test_at_every_call(self):
        """Before a request, after it, while its answer comes, before what it said is kept: each is a call."""
        to = {**self.fresh(), **self.service.settings(), "FORTIUM_BATCH_SIZE": 2}
        self.hand_in(4, code=DONE, **to)
        machine = Machine(self)
        self.cli("sync", code=DONE, **to, **machine.env(acts="owstnc"))
        last = machine.acts()
        self.oracle.check_drained(self.service.ids(), **to)
        killed = 0
        for number in range(1, last + 1):
            for _ in range(times(1, 3)):
                self.hand_in(4, code=DONE, **to)
                done = self.cli("sync", **to, **Machine(self).env(acts="owstnc", kill=number))
                killed += done.code != DONE
                self.oracle.check(self.service.ids())
                self.json("sync", code=DONE, **to)
                self.oracle.check(self.service.ids())
        self.oracle.check_drained(self.service.ids(), **to)
        self.oracle.check_silent()
        self.assertGreater(killed, last // 2)
        tell("F2", "sender killed at every call", killed, acknowledged=len(self.oracle.acknowledged), lost=0, double=0)

    def test_at_random(self):
        to = {**self.fresh(), **self.service.settings(), "FORTIUM_BATCH_SIZE": 5}
        killed = 0
        while killed < times(30, 300):
            self.hand_in(50, code=DONE, **to)
            process = self.start("sync", env=self.env(**to), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            before, wanted = len(self.service.ids()), self.chance.randrange(0, 50)
            support.until(lambda: process.poll() is not None or len(self.service.ids()) >= before + wanted, "some arrive")
            process.kill()
            killed += process.wait() != DONE
            if killed % 20 == 0:
                self.oracle.check(self.service.ids())
        self.json("sync", code=DONE, **to)
        self.oracle.check_drained(self.service.ids(), **to)
        tell("F2", "sender killed at a random moment", killed, acknowledged=len(self.oracle.acknowledged), lost=0,
             double=0)


if __name__ == "__main__":
    faults.main()
