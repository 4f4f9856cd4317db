#!/usr/bin/python3
"""A store that is not as we left it: damaged, foreign, newer, or in somebody's hands."""

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading

import faults
import support
from faults import tell, times
from support import DONE, STORE

PAGE = 2048


def flip(path, chance, begin, end, count):
    with open(path, "r+b") as file:
        for _ in range(count):
            file.seek(chance.randrange(begin, end))
            file.write(bytes([chance.randrange(256)]))


class Damage(faults.Case):
    """F7. What was recorded before may be damaged; what is acknowledged afterwards is kept, and the person is told."""

    def damages(self):
        """name -> what is done to the files of a store that lies still."""
        size = os.path.getsize
        chance, store = self.chance, self.database

        def emptied(path):
            os.truncate(path, 0)

        def random_page(path):
            pages = size(path) // PAGE
            page = chance.randrange(pages)
            flip(path, chance, page * PAGE, (page + 1) * PAGE, chance.choice((1, 16, 400)))

        def rubbish(path):
            with open(path, "wb") as file:
                file.write(chance.randbytes(32768))

        def foreign(path):
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(path + suffix):
                    os.remove(path + suffix)
            other = sqlite3.connect(path)
            other.execute("CREATE TABLE precious (x)")
            other.commit()
            other.close()

        def newer(path):
            own = sqlite3.connect(path)
            own.execute("PRAGMA user_version = 99")
            own.commit()
            own.close()

        return {
            "the header": lambda: flip(store, chance, 0, 100, 20),
            "a random page": lambda: random_page(store),
            "many pages": lambda: [random_page(store) for _ in range(5)],
            "a file cut short": lambda: os.truncate(store, chance.randrange(1, size(store))),
            "a file of no length": lambda: emptied(store),
            "no database at all": lambda: flip(store, chance, 0, size(store), 2000) or flip(store, chance, 0, 16, 16),
            "a log cut short": lambda: os.truncate(store + "-wal", chance.randrange(0, size(store + "-wal"))),
            "a damaged log": lambda: flip(store + "-wal", chance, 0, size(store + "-wal"), 20),
            "a log that is gone": lambda: os.remove(store + "-wal"),
            "rubbish in the index of the log": lambda: rubbish(store + "-shm"),
            "a file of somebody else": lambda: foreign(store),
            "a newer version": lambda: newer(store),
        }

    def a_store(self):
        """With some pages in the file, and some in the log: made once, copied for each damage."""
        if self.template is None:
            to = self.fresh()
            self.hand_in(400, code=DONE, more={"context": {"text": "x" * 8000}}, **to)
            self.hand_in(5, code=DONE, **to)
            self.template = self.data
        handed, to = set(self.oracle.handed), self.fresh()
        self.oracle.handed = handed
        shutil.copytree(self.template, self.data)
        return to

    template = None

    def test_recording_goes_on(self):
        seeds, tried, apart = times(4, 20), 0, 0
        self.a_store()
        names = list(self.damages())
        for seed in range(seeds):
            for name in names:
                with self.subTest(damage=name, round=seed, seed=faults.SEED):
                    apart += self.one(name, patiently=faults.TALLY or seed == 0)
                tried += 1
        tell("F7", "a damaged, foreign or newer store", tried, set_apart=apart, lost=0, double=0)

    def one(self, name, patiently):
        to = self.a_store()
        self.damages()[name]()
        self.oracle.acknowledged.clear()  # from here on
        done = [self.hand_in(3, **to) for _ in range(3)]
        for one in done:
            self.assertIn(one.code, (DONE, STORE), one)
        if self.oracle.acknowledged - self.kept_now():
            # A plain reader stops at the first page that is damaged, and may not get as far as the new ones.
            self.cli("doctor", "--repair", **to)
        self.assertEqual(self.oracle.acknowledged - self.kept_now(), set())
        if not patiently and name != "a newer version":
            return len(self.set_apart())
        if name == "a newer version":
            self.assertEqual(self.cli("status", **to).code, STORE)
            self.assertEqual(len(self.oracle.look().spooled), 9)
            return 1
        # While a session has nothing else to do, the old store is read; it stays where it was put, whole.
        session = self.mcp(**to)
        session.initialize()
        one = session.record()  # from then on it has the store open
        self.oracle.handed.add(one)
        self.oracle.acknowledge([one])
        set_apart = self.set_apart()
        support.until(lambda: all("salvaged.txt" in os.listdir(one) for one in set_apart), "the old store was read")
        session.end()
        self.assertEqual(self.oracle.acknowledged - self.kept_now(here=True), set())
        if name == "a file of somebody else":
            [foreign] = set_apart
            self.assertEqual(sqlite3.connect(os.path.join(foreign, "metrics.db")).execute(
                "SELECT count(*) FROM precious").fetchone(), (0,))
        told = json.loads(self.cli("status", "--json", **to).out)
        self.assertEqual(len(told["store"].get("quarantine", [])), len(set_apart))
        self.assertTrue(self.oracle.look().whole or not set_apart, "the new store is damaged, too")
        return len(set_apart)

    def set_apart(self):
        place = os.path.join(self.data, "quarantine")
        return [os.path.join(place, one) for one in os.listdir(place)] if os.path.isdir(place) else []

    def kept_now(self, here=False):
        """Ids in the spool, in the store as far as it can be read, and, if not `here`, in stores that were set apart."""
        kept = set(self.oracle.look().spooled)
        for folder, _, names in os.walk(self.data):
            if "metrics.db" not in names or (here and folder != self.data):
                continue
            self.database = os.path.join(folder, "metrics.db")
            store = self.store()
            store.text_factory = lambda text: text.decode(errors="replace")
            try:
                kept.update(one for one, in store.execute("SELECT id FROM tool_usage"))
            except (sqlite3.DatabaseError, UnicodeDecodeError):  # the words of the error may be damaged, too
                pass
            store.close()
        self.database = os.path.join(self.data, "metrics.db")
        return kept


class Locked(faults.Case):
    """F8."""

    def test_another_writer_for_longer_than_we_wait(self):
        """Records go to the spool, and into the store when it is free."""
        self.held_well = []  # both threads add to it
        threads = [threading.Thread(target=self.held, args=args) for args in ((self.our_lock,), (self.a_transaction,))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(self.held_well), 2)
        for oracle, data in self.held_well:
            oracle.check(data=data)
        tell("F8", "the store held by another writer", 2, lost=0, double=0)

    @staticmethod
    def our_lock(database):
        held = open(database + ".lock", "r+b")
        fcntl.flock(held, fcntl.LOCK_EX)
        return held

    @staticmethod
    def a_transaction(database):
        held = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        held.execute("BEGIN EXCLUSIVE")
        return held

    def held(self, take):
        """One session and one store, which somebody takes."""
        data = os.path.join(self.top, take.__name__)
        session = self.mcp(FORTIUM_DATA_DIR=data)
        session.initialize()
        ids = [session.record(0)]
        holder = take(os.path.join(data, "metrics.db"))
        ids += [session.record(n) for n in range(3)]
        oracle = faults.Oracle(self)
        spooled = oracle.spooled(data)
        holder.close()
        ids += [session.record(4)]
        session.end()
        told = self.status(FORTIUM_DATA_DIR=data)  # merges what is left
        oracle.acknowledge(ids)
        self.assertEqual(sorted(spooled), ids[1:4])  # files of the spool are in no order
        self.assertEqual((told["records"]["total"], told["store"]["spooled"]), (5, 0))
        self.held_well.append((oracle, data))

    def test_a_spool_file_that_is_merged_the_moment_it_is_made(self):
        """One program makes its file in the spool, and has not locked it yet, when another one merges what is there."""
        to = self.fresh()
        self.hand_in(1, code=DONE, **to)
        self.version(99)  # so that it is spooled
        slow = self.start("record", "--json", "-", env=self.env(**to, **faults.Machine(self).env(acts="l", stop=1)),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        slow.stdin.write(self.oracle.lines(3).encode())
        slow.stdin.close()
        slow.stdin = None

        def stopped():
            with open(f"/proc/{slow.pid}/stat") as file:
                return file.read().rsplit(") ", 1)[1][0] == "T"

        support.until(stopped, "it has made its file")
        self.version(1)
        self.hand_in(1, code=DONE, **to)
        slow.send_signal(signal.SIGCONT)
        self.oracle.heard(slow.communicate()[0].decode())
        self.assertEqual(len(self.oracle.acknowledged), 5)
        self.hand_in(1, code=DONE, **to)
        self.oracle.check()
        self.assertEqual(self.oracle.look().spooled, [])

    def version(self, number):
        own = sqlite3.connect(self.database)
        own.execute(f"PRAGMA user_version = {number}")
        own.commit()
        own.close()

    def test_a_reader_who_does_not_let_go(self):
        """The log cannot be emptied while somebody reads it: it grows, nothing else happens, and then it is small."""
        to = self.fresh()
        self.hand_in(2, code=DONE, **to)
        session = self.mcp(**to)  # so that the reader is not the last one, who would tidy up
        session.initialize()
        session.call("get-tool-metrics")
        reader = sqlite3.connect(self.database, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM tool_usage").fetchone()
        more = {"context": {"text": "x" * 3000}}
        for _ in range(45):
            self.hand_in(400, code=DONE, more=more, **to)
        large = os.path.getsize(self.database + "-wal")
        self.assertGreater(large, 65 << 20)
        reader.close()
        self.hand_in(400, code=DONE, more=more, **to)  # moves the log, and
        self.hand_in(1, code=DONE, **to)  # begins it anew
        self.assertLessEqual(os.path.getsize(self.database + "-wal"), 64 << 20)
        self.oracle.check()
        self.assertEqual(self.oracle.look().spooled, [])


if __name__ == "__main__":
    faults.main()
