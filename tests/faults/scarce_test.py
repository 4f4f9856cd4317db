#!/usr/bin/python3
"""No memory, no descriptors: whatever fails then, nothing is acknowledged that is not kept. F25."""

import faults
import support
from faults import Machine, tell, times
from support import DONE, Service, STORE


class Memory(faults.Case):
    def test_every_allocation_fails_once(self):
        to = self.fresh()
        self.hand_in(3, code=DONE, **to)
        tried = refused = 0
        for number in sorted({1, 2, *self.chance.sample(range(1, 4000), times(150, 1000))}):
            done = self.hand_in(3, **to, **Machine(self).env(acts="", memory=number))
            refused += done.code != DONE
            tried += 1
            if tried % 25 == 0:
                self.oracle.check()
        self.hand_in(1, code=DONE, **to)
        self.oracle.check()
        self.assertGreater(refused, 5)
        tell("F25", "one allocation fails", tried, processes_that_ended=refused, lost=0, double=0)

    def test_while_sending(self):
        service = Service(self)
        to = {**self.fresh(), **service.settings()}
        for number in self.chance.sample(range(1, 6000), times(40, 300)):
            self.hand_in(2, code=DONE, **to)
            self.cli("sync", **to, **Machine(self).env(acts="", memory=number))
            self.oracle.check(service.ids()) if number % 10 == 0 else None
        self.json("sync", code=DONE, **to)
        self.oracle.check_drained(service.ids(), **to)


class Descriptors(faults.Case):
    def test_from_none_to_enough(self):
        for most in range(3, 24):
            to = self.fresh()
            for _ in range(2):
                done = self.cli(f"--nofile={most}", support.BIN, "record", "--json", "-", input=self.oracle.lines(3),
                                program="/usr/bin/prlimit", env=self.env(**to))
                self.oracle.heard(done.out)
                if done.code not in (DONE, STORE):
                    self.assertEqual(done.out, "")  # it did not even start
                self.oracle.check()
            self.hand_in(1, code=DONE, **to)
            self.oracle.check()
        tell("F25", "no descriptor is left", 21, lost=0, double=0)


if __name__ == "__main__":
    faults.main()
