#!/usr/bin/python3
"""The service committed, and we never heard; or it forgot what it had told us."""

import os
import signal
import subprocess
import unittest

import faults
import support
from faults import tell, times
from support import DONE, PARTLY, until


class LostAnswers(faults.Case):
    """F17."""

    def test_every_second_answer_is_lost(self):
        service = support.Service(self)
        cutter = support.Cutter(self, service.port, lambda number: number % 2 == 0)
        to = {**self.fresh(), **service.settings(url=cutter.url), "FORTIUM_BATCH_SIZE": 3, "FORTIUM_RETRY_ATTEMPTS": 20}
        while cutter.lost < times(60, 1000):
            self.hand_in(60, code=DONE, **to)
            self.cli("sync", **to)
            self.oracle.check(service.ids())
        cutter.lose = lambda number: False
        self.json("sync", code=DONE, **to)
        self.oracle.check_drained(service.ids(), **to)
        self.assertEqual(service.ledger(), self.local_ledger())
        tell("F17", "answer lost after the service had committed", cutter.lost,
             acknowledged=len(self.oracle.acknowledged), lost=0, double=0)

    def test_an_answer_cut_at_each_byte(self):
        """F13: the connection is reset after any number of bytes of the answer; what was counted is counted once."""
        peer = support.Peer(self)
        to = {**self.fresh(), **peer.settings()}
        self.hand_in(2, code=DONE, **to)
        length = []

        def whole(request):
            reply = support.Reply(200, peer.receipt(request))
            length.append(len(reply.bytes()))
            return reply

        peer.batch(whole)
        self.json("sync", code=DONE, **to)
        tried = 0
        for cut in range(0, length[0], times(23, 1)):
            self.hand_in(2, code=DONE, **to)
            peer.batch(lambda request: support.Reply(200, peer.receipt(request), cut=cut))
            self.cli("sync", **to)
            self.oracle.check(dict.fromkeys(peer.ids, 1))
            peer.batch(peer.honest)
            self.json("sync", code=DONE, **to)
            tried += 1
        self.oracle.check_drained(dict.fromkeys(peer.ids, 1), **to)
        tell("F13", "answer cut after each number of bytes", tried, lost=0, double=0)


class WithFailingService(faults.Case):
    def service_that_fails(self, acts, **how):
        """A machine below the service, its environment without one, and the number of acts that a start takes."""
        machine = faults.Machine(self, data=self.service.data, **how)
        clean = self.service.env
        self.stop(self.service)
        self.service.env = {**clean, **machine.env(acts)}
        self.service.serve()
        self.stop(self.service)
        return machine, clean, machine.acts()

    def stop(self, service):
        if service.process.poll() is None:
            service.process.terminate()
        service.process.wait(support.DEADLINE)


class Receipts(WithFailingService):
    """F17, the other way round: what the service has acknowledged to us, it has, though it is killed or loses its power."""

    @support.about_files
    def test_a_service_that_loses_its_power(self):
        self.service = support.Service(self)
        to = {**self.fresh(), **self.service.settings(), "FORTIUM_BATCH_SIZE": 4}
        machine, clean, start = self.service_that_fails("owstn", platter=True)
        ended = 0
        for number in range(times(25, 500)):
            self.hand_in(12, code=DONE, **to)
            how = self.chance.choice(("kill", "lose"))
            act = start + self.chance.randrange(1, 40)
            self.service.env = {**clean, **machine.env(**{how: act, "seed": self.chance.randrange(1 << 30)})}
            self.service.serve()
            self.cli("sync", **{**to, "FORTIUM_RETRY_ATTEMPTS": 0})
            ended += self.service.process.poll() is not None
            self.stop(self.service)
            self.service.env = {**clean, **machine.env()}
            self.service.serve()
            self.oracle.check(self.service.ids())
            self.stop(self.service)
        self.service.serve()
        self.json("sync", code=DONE, **to)
        self.oracle.check_drained(self.service.ids(), **to)
        self.assertGreater(ended, times(5, 100))
        tell("F17", "the service killed, or its power lost, while it receives", ended,
             acknowledged=len(self.oracle.acknowledged), lost=0, double=0)


@unittest.skipUnless(support.Postgres.programs(), "PostgreSQL is not installed")
class Commits(WithFailingService):
    """F17 on PostgreSQL: either end is killed at each word that the service and its database exchange."""

    def setUp(self):
        super().setUp()
        self.service = support.Service(self, database=self.postgres().database())
        self.to = {**self.fresh(), **self.service.settings(), "FORTIUM_BATCH_SIZE": 4, "FORTIUM_RETRY_ATTEMPTS": 3}
        self.machine, self.clean, start = self.service_that_fails("c")
        words = range(start, start + 24)  # three batches are about twenty
        self.words = self.chance.sample(words, 8) if not faults.TALLY else [*words] * 5

    def sync_until(self, word, how, hurt):
        """The service stops, or is dead, at that word of a `sync`; then `hurt` is done to somebody. Whether it came so far."""
        self.hand_in(12, code=DONE, **self.to)
        self.service.env = {**self.clean, **self.machine.env("c", **{how: word})}
        self.service.serve()
        process = self.start("sync", env=self.env(**self.to), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        until(lambda: process.poll() is not None or self.halted(), "the service stops, or all is delivered")
        reached = self.halted()
        if reached:
            hurt()
        self.assertIsNotNone(process.wait(support.DEADLINE))
        self.stop(self.service)
        self.service.env = self.clean
        self.service.revive()
        self.oracle.check(self.service.ids())
        return reached

    def halted(self):
        with open(f"/proc/{self.service.process.pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] in ("T", "Z")  # stopped, or dead

    def check_all(self, what, reached):
        self.json("sync", code=DONE, **self.to)
        self.oracle.check_drained(self.service.ids(), **self.to)
        self.assertEqual(self.service.ledger(), self.local_ledger())
        self.assertTrue(self.service.tell("check")["ok"])
        self.assertGreater(reached, len(self.words) // 3)
        tell("F17", what, reached, acknowledged=len(self.oracle.acknowledged), lost=0, double=0)

    def test_the_service_is_killed_at_each_word(self):
        reached = sum(self.sync_until(word, "kill", lambda: None) for word in self.words)
        self.check_all("the service killed at each word to PostgreSQL", reached)

    def test_postgresql_is_killed_at_each_word(self):
        """All of it, or only who works for a connection, upon which it ends all others itself."""
        def one_backend():
            os.kill(self.chance.choice(self.postgres().backends()), signal.SIGKILL)
            self.go_on()

        def everything():
            self.postgres().kill()
            self.postgres().serve()
            self.go_on()

        reached = sum(self.sync_until(word, "stop", self.chance.choice((one_backend, everything))) for word in self.words)
        self.check_all("PostgreSQL killed at each word from the service", reached)

    def go_on(self):
        self.service.process.send_signal(signal.SIGCONT)


class OlderBackup(faults.Case):
    """F18."""

    def test_a_service_restored_from_a_backup_counts_what_it_is_sent_again_once(self):
        service = support.Service(self)
        to = {**self.fresh(), **service.settings()}
        self.hand_in(30, code=DONE, **to)
        self.json("sync", code=DONE, **to)
        service.stop()
        backup = service.copied()
        service.serve()
        self.hand_in(20, code=DONE, **to)
        self.json("sync", code=DONE, **to)
        self.assertEqual(len(service.ids()), 50)

        service.stop()
        service.store = backup
        service.serve()
        self.assertEqual(len(service.ids()), 30)  # it forgot twenty
        self.restore(service, to)

    def restore(self, service, to):
        """What is recorded later still arrives; `verify` says what is missing, and sends it again: once, whatever it
        finds there already."""
        self.hand_in(5, code=DONE, **to)
        self.json("sync", code=DONE, **to)
        self.assertEqual(len(service.ids()), 35)
        told = self.json("verify", code=PARTLY, **to)
        self.assertEqual((told["ok"], told["missing"]), (False, 20))
        told = self.json("verify", "--repair", code=DONE, **to)
        self.assertEqual((told["ok"], told["missing"]), (True, 0))
        self.oracle.check_drained(service.ids(), **to)
        tell("F18", "service restored from an older backup, then verify --repair", 1, lost=0, double=0)


if __name__ == "__main__":
    faults.main()
