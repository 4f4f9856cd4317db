"""What the tests of faults share: one oracle, one machine that fails, and how much is tried.

L are the records acknowledged to the caller, S those the service counted, D those set aside, Q those that wait (in the
queue or the spool). The invariants:

  I1  L is within S + D + Q, at every moment
  I2  when the faults are over and the queue is drained: Q is empty, S is L without D
  I3  each is counted once, in S and in every roll-up
  I4  nothing is in S that was never handed in
  I5  the store is whole, or a copy of the damaged one is kept
  I6  budgets: reported, never asserted as times; a command that records ends and says so
  I7  no secret in any file or output
  I8  `status` and `queue list` tell the truth
"""

import collections
import json
import os
import random
import shutil
import sqlite3
import sys
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

import support  # noqa: E402: found by the line above
from support import DONE, KINDS  # noqa: E402

SEED = int(os.environ.get("FORTIUM_TEST_SEED", "1"))
TALLY = os.environ.get("FORTIUM_FAULT_TALLY")  # where the campaign wants to be told what was tried
MACHINE = os.path.join(os.path.dirname(os.path.dirname(support.BIN)), "lib", "faults", "machine.so")


def times(gate, campaign):
    """How often something is tried: a little in every run of the tests, a lot in a campaign."""
    return campaign if TALLY else gate


def tell(row, what, tried, **figures):
    """One line of the page that a campaign prints."""
    if TALLY:
        what += ", the service on PostgreSQL" if support.ON_POSTGRES and "PostgreSQL" not in what else ""
        with open(TALLY, "a") as file:
            file.write(json.dumps({"row": row, "what": what, "tried": tried, **figures}) + "\n")


Seen = collections.namedtuple("Seen", "stored queued aside spooled ledger counted whole")


class Oracle:
    """Knows what was handed in and what was acknowledged, in files of its own, and judges."""

    def __init__(self, case):
        self._case = case
        self._path = os.path.join(case.top, f"acknowledged-{uuid.uuid4().hex[:8]}")
        self.acknowledged = set()  # L
        self.handed = set()
        self.secrets = [support.Peer.KEY]

    def acknowledge(self, ids):
        with open(self._path, "a") as file:
            file.write("".join(one + "\n" for one in ids))
        self.acknowledged.update(ids)

    def lines(self, count, **more):
        """Records to hand in, with ids of our own."""
        records = [{"id": str(uuid.uuid4()), **support.tool_usage(n), **more} for n in range(count)]
        self.handed.update(one["id"] for one in records)
        return "".join(json.dumps(one) + "\n" for one in records)

    def heard(self, out):
        """What `record --json` said is acknowledged, as far as it got."""
        whole = out[:out.rfind("\n") + 1]
        self.acknowledge([json.loads(line)["id"] for line in whole.splitlines()])

    # ---- what is there, seen by other code ------------------------------------------------------------------------

    def look(self, data=None):
        """The store and the spool as they are now; the programs may be dead or alive."""
        data = data or self._case.data
        stored, queued, aside = collections.Counter(), collections.Counter(), set()
        ledger, counted, whole = {}, collections.defaultdict(list), True
        if os.path.exists(os.path.join(data, "metrics.db")):
            self._case.database = os.path.join(data, "metrics.db")
            store = self._case.store()
            store.text_factory = lambda text: text.decode(errors="replace")  # it may be damaged
            try:
                whole = store.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
                tables = {name for name, in store.execute("SELECT name FROM sqlite_schema")}
                if "outbox" in tables:
                    for kind in KINDS:
                        for one, at, lane in store.execute(f"SELECT id, timestamp, lane FROM {kind}"):
                            stored[one] += 1
                            counted[(at // 86_400_000, kind)].append(one)
                    queued.update(one for one, in store.execute("SELECT id FROM outbox"))
                    aside = {one for one, in store.execute("SELECT id FROM set_aside")}
                    for day, kind, count, digest in store.execute(
                            "SELECT unixepoch(day) / 86400, kind, sum(count), group_concat(digest) FROM ledger "
                            "GROUP BY day, kind"):
                        total = sum(int(one, 16) for one in digest.split(",")) % (1 << 128)
                        ledger[(day, kind)] = (count, f"{total:032x}")
            except (sqlite3.DatabaseError, UnicodeDecodeError):  # the words of the error may be damaged, too
                whole = False
            store.close()
        return Seen(stored, queued, aside, self.spooled(data), ledger,
                    {key: (len(ids), support.digest(ids)) for key, ids in counted.items()}, whole)

    @staticmethod
    def spooled(data):
        """Ids in the spool, in the order in which they came."""
        spooled = []
        spool = os.path.join(data, "spool")
        for name in sorted(os.listdir(spool)) if os.path.isdir(spool) else []:
            with open(os.path.join(spool, name), errors="replace") as file:
                for line in file:
                    try:
                        spooled.append(json.loads(line[17:])["record"]["id"])
                    except (ValueError, KeyError, TypeError):
                        pass  # a line that was not finished, so never acknowledged
        return spooled

    # ---- the invariants -------------------------------------------------------------------------------------------

    def check(self, service=None, data=None):
        """At any moment: I1, I3, I4, I5. `service`: {id: how often it was counted}, if there is one."""
        case, seen = self._case, self.look(data)
        case.assertTrue(seen.whole, "the store is damaged")
        if service is None:
            there = set(seen.stored) | set(seen.spooled)
        else:
            there = set(service) | set(seen.queued) | seen.aside | set(seen.spooled)
        lost = self.acknowledged - there
        case.assertEqual(len(lost), 0, f"of {len(self.acknowledged)} acknowledged records these are lost: "
                                       f"{sorted(lost)[:5]}")
        twice = [one for counts in (seen.stored, seen.queued) for one, n in counts.items() if n > 1]
        case.assertEqual(twice, [], "kept more than once")
        case.assertEqual(seen.ledger, seen.counted, "the ledger is not what counting gives")
        for one, n in (service or {}).items():
            if n != 1:
                case.fail(f"{one} was counted {n} times")
        if self.handed:
            strangers = (set(seen.stored) | set(service or ())) - self.handed
            case.assertEqual(strangers, set(), "nobody handed these in")
        return seen

    def check_drained(self, service, data=None, **variables):
        """After the faults: I2 and I8 too."""
        seen = self.check(service, data)
        case = self._case
        case.assertEqual((dict(seen.queued), seen.spooled), ({}, []), "still waits")
        case.assertEqual(self.acknowledged - set(service), seen.aside & self.acknowledged, "S is not L without D")
        self.check_told(**variables)

    def check_told(self, **variables):
        """I8: what the program says of itself, against what is there."""
        case = self._case
        told = case.json("status", **variables)
        seen = self.look(variables.get("FORTIUM_DATA_DIR"))
        case.assertEqual(told["queue"]["pending"] + told["queue"]["elsewhere"], len(seen.queued))
        case.assertEqual(told["queue"]["failed"], len(seen.aside))
        case.assertEqual(told["store"]["spooled"], len(seen.spooled))
        case.assertEqual(told["records"]["total"], sum(count for count, _ in seen.ledger.values()))

    def check_silent(self, *outputs):
        """I7."""
        for path, text in self._case.every_file():
            for secret in self.secrets:
                self._case.assertNotIn(secret.encode(), text, f"a secret is in {path}")
        for output in outputs:
            for secret in self.secrets:
                self._case.assertNotIn(secret, output)


class Machine:
    """Plans for machine.cpp, which see. `platter` makes it one whose power can fail."""

    def __init__(self, case, data=None, platter=False):
        self._count = os.path.join(case.top, f"acts-{uuid.uuid4().hex[:8]}")
        self._plan = {"dir": data or case.data, "count": self._count}
        if platter:
            self._plan["platter"] = os.path.join(case.top, f"platter-{uuid.uuid4().hex[:8]}")
            os.mkdir(self._plan["platter"])

    def env(self, acts="owstn", **plan):
        """kill=N, torn=1: the N-th act kills the process, half done. lose=N: the power goes. fail=N, error=E, fails=K:
        the call fails, K times or (0) from then on. stop=N: the process stops there until it is told to go on. memory=N: the N-th allocation fails. ahead=S:
        the wall clock is S seconds ahead. network=1: the directory is said to be on NFS. acts: o files made, w writes, s syncs, t lengths, n names, l locks, c what goes over a connection."""
        text = " ".join(f"{name}={value}" for name, value in {**self._plan, "acts": acts, **plan}.items())
        return {"LD_PRELOAD": MACHINE, "FORTIUM_FAULT": text}

    def lose_power(self):
        """Between two processes: what is on the platter, and nothing else, is there."""
        data, platter = self._plan["dir"], self._plan["platter"]
        for folder, _, names in os.walk(data):
            for name in names:
                os.remove(os.path.join(folder, name))
        for name in os.listdir(platter):
            if "%%" in name:
                os.remove(os.path.join(platter, name))
                continue
            shutil.copyfile(os.path.join(platter, name), os.path.join(data, name.replace("%", "/")))

    def acts(self):
        """How many there were, of a process that came to its end."""
        with open(self._count) as file:
            return int(file.read())


class Case(support.Case):
    def setUp(self):
        super().setUp()
        self.chance = random.Random(f"{SEED}-{self.id()}")
        self.oracle = Oracle(self)

    def fresh(self):
        """Another data directory, and nothing acknowledged."""
        self.data = os.path.join(self.top, f"data-{uuid.uuid4().hex[:8]}")
        self.database = os.path.join(self.data, "metrics.db")
        self.oracle = Oracle(self)
        return {"FORTIUM_DATA_DIR": self.data}

    def hand_in(self, count, code=None, more=None, **variables):
        """`record` of so many, whatever becomes of it; what it acknowledged is noted."""
        done = self.cli("record", "--json", "-", input=self.oracle.lines(count, **(more or {})), code=code, **variables)
        self.oracle.heard(done.out)
        return done


def main():
    if not os.path.exists(MACHINE):
        sys.exit(f"{MACHINE} is not built: cmake --preset dev && cmake --build --preset dev")
    support.main()
