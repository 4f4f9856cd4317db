#!/usr/bin/python3
"""No space, no quota, no names left, no right to write, and places that are not what they seem."""

import errno
import os
import shutil
import subprocess
import unittest

import faults
import support
from faults import Machine, tell, times
from support import DONE, STORE

NOBODY = 65534


class Full(faults.Case):
    """F4, F5."""

    def full(self, error, kinds="owtn"):
        """From each call on there is no space; then there is again."""
        to = self.fresh()
        machine = Machine(self)
        self.hand_in(3, code=DONE, **to, **machine.env(acts=kinds))
        last, tried = machine.acts(), 0
        for number in range(1, last + 2):
            to = self.fresh()
            if number % 2:
                self.hand_in(2, code=DONE, **to)
            for fails in (0, 1):
                done = self.hand_in(3, **to, **Machine(self).env(acts=kinds, fail=number, error=error, fails=fails))
                self.assertIn(done.code, (DONE, STORE), done.err)
                if done.code == STORE:  # refused, and said so in one line
                    self.assertEqual(done.out, "")
                    self.assertIn("not recorded", done.err)
                self.oracle.check()
                tried += 1
            self.hand_in(2, code=DONE, **to)
            self.oracle.check()
            self.oracle.check_told(**to)
            self.assertEqual(self.oracle.look().spooled, [])
        return tried

    def test_no_space_from_any_call_on(self):
        tell("F4", "disk full from each call on, and again empty", self.full(errno.ENOSPC), lost=0, double=0)

    def test_no_quota_from_any_call_on(self):
        tell("F5", "quota used up from each call on", self.full(errno.EDQUOT), lost=0, double=0)

    def test_no_space_while_records_are_delivered(self):
        """What the service counted, and we could not note, is asked again and counted once."""
        service = support.Service(self)
        to = {**self.fresh(), **service.settings(), "FORTIUM_BATCH_SIZE": 2}
        self.hand_in(4, code=DONE, **to)
        machine = Machine(self)
        self.cli("sync", code=DONE, **to, **machine.env(acts="owtn"))
        for number in range(1, machine.acts() + 1):
            self.hand_in(4, code=DONE, **to)
            self.cli("sync", **to, **Machine(self).env(acts="owtn", fail=number, fails=0, error=errno.ENOSPC))
            self.oracle.check(service.ids())
            self.json("sync", code=DONE, **to)
        self.oracle.check_drained(service.ids(), **to)
        tell("F4", "disk full while records are delivered", machine.acts(), lost=0, double=0)

    def test_a_limit_on_the_size_of_files(self):
        """`ulimit -f`: the limit sends a signal where others return an error."""
        for limit in times((4096, 40_000, 200_000), range(0, 400_000, 4096)):
            to = self.fresh()
            for _ in range(4):
                done = self.cli(f"--fsize={limit}", support.BIN, "record", "--json", "-", input=self.oracle.lines(100),
                                program="/usr/bin/prlimit", env=self.env(**to))
                self.oracle.heard(done.out)
                self.assertIn(done.code, (DONE, STORE), f"{limit}: {done}")
                self.oracle.check()
            self.hand_in(1, code=DONE, **to)
            self.oracle.check()

    @unittest.skipUnless(os.geteuid() == 0, "needs the right to mount")
    def test_a_small_file_system(self):
        """The real thing: 8 MiB, filled by records, emptied again; then one without names left."""
        place = os.path.join(self.top, "small")
        os.mkdir(place)
        for options in ("size=8m", "size=8m,nr_inodes=12"):
            with self.subTest(options=options):
                mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], stderr=subprocess.PIPE)
                if mounted.returncode != 0:
                    self.skipTest("no mount here: " + mounted.stderr.decode())
                self.ends_with(lambda: subprocess.run(["umount", place], stderr=subprocess.DEVNULL, check=False))
                self.fill(os.path.join(place, "data"), place)
                subprocess.run(["umount", place], check=True)

    def fill(self, data, place):
        to = {"FORTIUM_DATA_DIR": data}
        self.data, self.database = data, os.path.join(data, "metrics.db")
        self.oracle = faults.Oracle(self)
        ballast = os.path.join(place, "ballast")
        with open(ballast, "wb") as file:
            file.write(bytes(2 << 20))
        refused = 0
        for number in range(40):
            done = self.hand_in(100, more={"context": {"text": "x" * 3000}}, **to)
            refused += done.code == STORE
            if number % 10 == 0:
                self.oracle.check()
        self.oracle.check()
        self.assertGreater(refused, 5)
        os.remove(ballast)
        self.hand_in(5, code=DONE, **to)
        self.oracle.check()


class Rights(faults.Case):
    """F6. The program runs as somebody who may not do everything."""

    def setUp(self):
        super().setUp()
        os.chmod(self.top, 0o755)

    def as_nobody(self, *args, input=None, **variables):
        """As another user, where we may be another; as ourselves where we are nobody special anyway."""
        if os.geteuid() != 0:
            return self.cli(*args, input=input, **variables)
        # The program may lie where only its builder can go.
        place = os.path.join(self.top, "bin")
        if not os.path.exists(place):
            os.mkdir(place)
            shutil.copy(support.BIN, place)
        return self.cli(f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", os.path.join(place, "fortium-metrics"),
                        *args, input=input, program="/usr/bin/setpriv", env=self.env(**variables))

    def own(self, path):
        for folder, names, files in os.walk(path):
            for one in (folder, *(os.path.join(folder, name) for name in names + files)):
                if os.geteuid() == 0:
                    os.chown(one, NOBODY, NOBODY)

    def hand_in_as_nobody(self, count, **to):
        done = self.as_nobody("record", "--json", "-", input=self.oracle.lines(count), **to)
        self.oracle.heard(done.out)
        return done

    def test_a_directory_that_may_not_be_written(self):
        for store_is_there in (False, True):
            with self.subTest(store_is_there=store_is_there):
                to = self.fresh()
                os.mkdir(self.data, 0o700)
                if store_is_there:
                    self.hand_in(2, code=DONE, **to)
                self.own(self.data)
                os.chmod(self.data, 0o500)
                done = self.hand_in_as_nobody(1, **to)
                if not store_is_there:
                    self.assertEqual((done.code, done.out), (STORE, ""))
                    self.assertIn("Permission denied", done.err)
                self.oracle.check()
                os.chmod(self.data, 0o700)
                self.assertEqual(self.hand_in_as_nobody(1, **to).code, DONE)
                self.oracle.check()

    def test_a_store_that_may_not_be_written(self):
        to = self.fresh()
        self.hand_in(2, code=DONE, **to)
        self.own(self.data)
        os.chmod(self.database, 0o400)
        self.assertEqual(self.hand_in_as_nobody(2, **to).code, DONE)
        self.assertEqual(len(self.oracle.look().spooled), 2)  # and nothing is lost
        self.oracle.check()
        os.chmod(self.database, 0o600)
        self.assertEqual(self.hand_in_as_nobody(1, **to).code, DONE)
        self.assertEqual(self.oracle.look().spooled, [])
        self.oracle.check()

    def test_somebody_elses_directory(self):
        to = self.fresh()
        os.mkdir(self.data, 0o700)
        if os.geteuid() == 0:
            done = self.hand_in_as_nobody(1, **to)
            self.assertEqual((done.code, done.out), (STORE, ""))
            self.assertIn("Permission denied", done.err)

    def test_a_directory_that_is_gone_is_made_again(self):
        to = self.fresh()
        self.hand_in(2, code=DONE, **to)
        session = self.mcp(**to)
        session.initialize()
        session.record()
        shutil.rmtree(self.data)
        self.oracle = faults.Oracle(self)  # what was there is gone with it
        self.hand_in(2, code=DONE, **to)
        self.oracle.check()

    def test_nothing_is_written_through_a_link(self):
        """Files of ours that are links in truth: somebody wants us to write somewhere else."""
        for name in ("metrics.db", "metrics.db-wal", "metrics.db-shm", "metrics.db.lock", "spool", "metrics.db.unsynced"):
            with self.subTest(link=name):
                to = self.fresh()
                elsewhere = os.path.join(self.top, f"elsewhere-{name}")
                if name == "spool":
                    os.mkdir(elsewhere)
                else:
                    with open(elsewhere, "wb") as file:
                        file.write(b"precious")
                os.makedirs(self.data)
                os.symlink(elsewhere, os.path.join(self.data, name))
                if name == "spool":  # so that it is wanted
                    os.mkdir(self.database)
                done = self.hand_in(2, **to)
                self.assertIn(done.code, (DONE, STORE))
                if name == "spool":
                    self.assertEqual(os.listdir(elsewhere), [])
                else:
                    with open(elsewhere, "rb") as file:
                        self.assertEqual(file.read(), b"precious")

    def test_a_home_that_is_reached_by_a_link_is_a_home(self):
        """Many homes are: that is no reason to record nothing."""
        real = os.path.join(self.top, "real")
        os.mkdir(real, 0o700)
        link = os.path.join(self.top, "link")
        os.symlink(real, link)
        to = {"HOME": link}
        self.data = os.path.join(link, ".local", "share", "fortium-metrics")
        self.hand_in(3, code=DONE, **to)
        self.oracle.check()
        self.assertEqual((len(self.oracle.look().stored), self.oracle.look().spooled), (3, []))


if __name__ == "__main__":
    faults.main()
