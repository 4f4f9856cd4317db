#!/usr/bin/python3
"""The power goes: what was not synced is lost, in part, out of order, with torn sectors, names included."""

import errno

import faults
from faults import Machine, tell, times
from support import DONE


class Power(faults.Case):
    """F3."""

    def losses(self, lives, **variables):
        """One machine that loses its power again and again while records are made; how many it did, and what is
        missing afterwards."""
        to = {**self.fresh(), **variables}
        machine = Machine(self, platter=True)
        lost, acts = 0, 40
        while not self.oracle.acknowledged:  # a first start that loses its power, too
            self.hand_in(1, **to, **machine.env(lose=self.chance.randrange(1, 40), seed=self.chance.randrange(1 << 30)))
            if self.missing():
                return 1, self.missing()
        for _ in range(lives):
            # Now and then more than the log may hold, so that it is moved into the file, too.
            count, context = self.chance.choice(((1, 0), (3, 0), (30, 100), (400, 3000)))
            more = {"context": {"text": "x" * context}}
            plan = machine.env(lose=self.chance.randrange(1, acts + 10), seed=self.chance.randrange(1 << 30))
            done = self.hand_in(count, **{**to, **plan}, more=more)
            lost += done.code != DONE
            if done.code == DONE:
                acts = machine.acts()
            missing = self.missing()
            if missing:
                return lost, missing
        return lost, set()

    def missing(self):
        seen = self.oracle.look()
        return self.oracle.acknowledged - set(seen.stored) - set(seen.spooled)

    def test_with_full_durability_nothing_is_lost(self):
        lost = acknowledged = 0
        while lost < times(60, 1000):
            more, missing = self.losses(40)
            self.assertEqual(missing, set())
            self.oracle.check()
            lost += more
            acknowledged += len(self.oracle.acknowledged)
        tell("F3", "power lost, durability full", lost, acknowledged=acknowledged, lost=0, double=0)

    def test_who_made_the_directory_was_killed(self):
        """Before it had synced the name of it: the next one does."""
        for killed in range(1, 9):
            for lost in range(1, 4):
                to = self.fresh()
                machine = Machine(self, platter=True)
                self.hand_in(1, **to, **machine.env(kill=killed))
                self.hand_in(1, code=DONE, **to, **machine.env())
                self.hand_in(1, **to, **machine.env(lose=lost, seed=self.chance.randrange(1 << 30)))
                self.oracle.check()

    def test_with_normal_durability_something_is(self):
        """The control: the machine does lose what is not synced. `normal` promises no more than a crash of the process."""
        lost = stores = 0
        for _ in range(times(10, 30)):
            more, missing = self.losses(10, FORTIUM_DURABILITY="normal")
            self.assertTrue(self.oracle.look().whole)  # consistent all the same
            stores += 1
            lost += bool(missing)
        self.assertGreater(lost, 0)
        tell("F3", "power lost, durability normal (the control)", stores, stores_that_lost=lost)


class FailedSync(faults.Case):
    """F26: after a sync that failed the system believes that all is well, and the platter never gets it."""

    def test_nothing_is_acknowledged_on_top_of_it(self):
        to = self.fresh()
        machine = Machine(self, platter=True)
        self.hand_in(3, code=DONE, **to, **machine.env(acts="s"))
        syncs = machine.acts()
        tried = 0
        for number in range(1, syncs + 3):
            for fails in (1, 2, 3):
                for _ in range(times(1, 10)):
                    to = self.fresh()
                    machine = Machine(self, platter=True)
                    if number <= 3:  # also of a store that was there before
                        self.hand_in(2, code=DONE, **to, **machine.env())
                    self.hand_in(3, **to, **machine.env(acts="s", fail=number, fails=fails, error=errno.EIO))
                    self.oracle.check()
                    for _ in range(3):
                        self.hand_in(2, code=DONE, **to, **machine.env())
                    machine.lose_power()
                    self.oracle.check()
                    self.hand_in(1, code=DONE, **to, **machine.env())
                    machine.lose_power()
                    self.oracle.check()
                    tried += 1
        tell("F26", "a sync fails with EIO, later the power goes", tried, lost=0, double=0)


if __name__ == "__main__":
    faults.main()
