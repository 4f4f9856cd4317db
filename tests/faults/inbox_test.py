#!/usr/bin/python3
"""Hooks leave what they are told, and others take it: killed anywhere, without power, fifty at once."""

import collections
import json
import os
import subprocess
import threading

import faults
from faults import Machine, tell, times
from support import DONE

SESSION = "08d94056-b607-48de-927a-93e87c92fc09"
MOST_LEFT = 64 << 10  # a hook that finds more takes it all


def event(name, **fields):
    return json.dumps({"session_id": SESSION, "hook_event_name": name, "cwd": "/w/shop", **fields}) + "\n"


def tool(name, use, tool_input=None):
    """An end is told without its duration: that is known only if the begin was not lost."""
    return event(name, tool_name="Bash", tool_use_id=use, tool_input=tool_input or {"command": "true"})


class Hooks(faults.Case):
    """F1, F3, F9."""

    def begin_anew(self):
        self.to = self.fresh()
        self.begun, self.ended, self.noticed = set(), set(), set()  # what was told and acknowledged
        self.tried = 0  # notices, acknowledged or not
        self.next = 0
        return self.to

    def hook(self, text, **variables):
        """Whether it was acknowledged: the program came to its end, and had nothing to say."""
        done = self.cli("hook", input=text, **{**self.to, **variables})
        return done.code == DONE and done.err == ""

    def call(self, tool_input=None, **variables):
        self.next += 1
        use = f"t{self.next}"
        if self.hook(tool("PreToolUse", use, tool_input), **variables):
            self.begun.add(use)
        if self.hook(tool("PostToolUse", use, tool_input), **variables):
            self.ended.add(use)

    def large_call(self, **variables):
        """Three of them are too much to be left."""
        self.call(tool_input={f"a{n}": "x" * 4000 for n in range(7)}, FORTIUM_PRIVACY_ARGUMENTS="true", **variables)

    def notice(self, **variables):
        """It has no name of its own: how often it came is counted."""
        self.next += 1
        self.tried += 1
        if self.hook(event("Notification", message=f"n{self.next}"), **variables):
            self.noticed.add(self.next)

    def fill(self):
        """So much that the next hook takes it all."""
        room = MOST_LEFT - os.path.getsize(self.database + ".inbox")
        with open(self.database + ".inbox", "a") as file:
            file.write("\n" * max(room, 0))

    def check(self):
        """Each once, with what its begin told; whoever asks sees them."""
        self.json("status", **self.to)
        store = self.store()
        seen = collections.Counter(store.execute("SELECT tool_use_id FROM tool_usage").fetchall())
        lost = {use for use in self.ended if (use,) not in seen}
        self.assertEqual(lost, set(), "acknowledged, and not there")
        self.assertEqual([use for use, n in seen.items() if n > 1], [])
        told = dict(store.execute("SELECT tool_use_id, execution_time_ms FROM tool_usage").fetchall())
        alone = {use for use in self.ended & self.begun if told[use] is None}
        self.assertEqual(alone, set(), "the begin is lost")
        left = {use for use, in store.execute("SELECT key FROM open_call WHERE what = 'tool_usage'")}
        self.assertEqual(left & self.ended, set(), "ended, and open")
        count, = store.execute("SELECT coalesce(max(count), 0) FROM open_call WHERE key = 'Notification'").fetchone()
        self.assertGreaterEqual(count, len(self.noticed))
        self.assertLessEqual(count, self.tried)
        slices, = store.execute("SELECT coalesce(sum(count), 0) FROM slice WHERE kind = 'tool_usage'").fetchone()
        self.assertEqual(slices, len(told))
        self.assertEqual(self.local_ledger(), self.counted_ledger())
        store.close()

    def acts_of(self, work):
        """How many acts the program has that `work` runs, given the machine's variables."""
        machine = Machine(self)
        work(**machine.env())
        return machine.acts()

    def at_every_call(self, prepare, work):
        """`work` is killed at each of its acts, whole and half done; what was told before and after is there, once."""
        self.begin_anew()
        prepare()
        last = self.acts_of(work)
        self.assertGreaterEqual(last, 2)  # a hook writes, and syncs
        for torn in (0, 1):
            for number in range(1, last + 1):
                self.begin_anew()
                prepare()
                work(**Machine(self).env(kill=number, torn=torn))
                self.call()
                self.notice()
                self.check()
        return 2 * last

    def some(self):
        self.call()
        self.notice()

    def too_much(self):
        self.some()
        self.some()
        self.fill()

    def test_who_leaves_is_killed(self):
        tried = self.at_every_call(self.some, lambda **variables: self.call(**variables))
        tell("F1", "hook killed at every call to the system", tried)

    def test_who_takes_is_killed(self):
        def report(**variables):
            self.cli("status", **{**self.to, **variables})
        tried = self.at_every_call(lambda: (self.some(), self.some()), report)
        tell("F1", "killed at every call while it takes what hooks left", tried)

    def test_who_takes_and_empties_is_killed(self):
        tried = self.at_every_call(self.too_much, lambda **variables: self.notice(**variables))
        tell("F1", "killed at every call while it takes what hooks left, and empties the inbox", tried)

    def test_the_first_of_all_is_killed(self):
        tried = self.at_every_call(lambda: None, lambda **variables: self.notice(**variables))
        tell("F1", "the first hook of all killed at every call", tried)

    def test_the_power_goes(self):
        lost = told = 0
        while lost < times(40, 1000):
            self.begin_anew()
            machine = Machine(self, platter=True)
            while not self.ended:
                self.call(**machine.env())
            for _ in range(12):
                plan = machine.env(lose=self.chance.randrange(1, 30), seed=self.chance.randrange(1 << 30))
                what = self.chance.choice(("call", "large_call", "notice", "take"))
                before = len(self.begun) + len(self.ended) + len(self.noticed)
                if what == "take":
                    lost += self.cli("status", **{**self.to, **plan}).code != DONE
                else:
                    getattr(self, what)(**plan)
                lost += what != "take" and len(self.begun) + len(self.ended) + len(self.noticed) == before
                self.call(**machine.env())
            self.check()
            told += len(self.ended)
        tell("F3", "power lost while hooks tell and others take", lost, acknowledged=told, lost=0, double=0)

    def test_fifty_at_once_and_some_are_killed(self):
        killed = told = 0
        for _ in range(times(3, 40)):
            self.begin_anew()
            self.call()
            guard, stop = threading.Lock(), threading.Event()

            def live(number):
                use = f"crowd-{number}"
                for text, kept in ((tool("PreToolUse", use), self.begun), (tool("PostToolUse", use), self.ended)):
                    process = self.start("hook", env=self.env(**self.to), stdin=subprocess.PIPE,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                    process.stdin.write(text.encode())
                    process.stdin.close()
                    if number % 5 == 0:
                        process.kill()  # at whatever it does just now
                    err = process.stderr.read()
                    if process.wait() == DONE and err == b"":
                        with guard:
                            kept.add(use)

            def ask():
                while not stop.is_set():
                    self.cli("status", **self.to)

            asking = threading.Thread(target=ask)
            asking.start()
            crowd = [threading.Thread(target=live, args=(number,)) for number in range(50)]
            for one in crowd:
                one.start()
            for one in crowd:
                one.join()
            stop.set()
            asking.join()
            killed += 50 - len(self.ended)
            told += len(self.ended)
            self.assertGreaterEqual(len(self.ended), 40)
            self.check()
        tell("F9", "50 hooks at once, each fifth killed", killed, acknowledged=told, lost=0, double=0)


if __name__ == "__main__":
    faults.main()
