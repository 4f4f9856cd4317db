#!/usr/bin/python3
"""The two real programs together: everything that was recorded is counted by the service, once."""

import json
import os
import random
import subprocess
import threading
import time
import unittest

import cli_test
import support
from support import CONFIGURATION, CREDENTIALS, DONE, PARTLY, UNREACHABLE

BACKLOG = int(os.environ.get("FORTIUM_TEST_BACKLOG", "100000"))
MOST_MEMORY = 64 << 20


@unittest.skipUnless(support.Service.built(), f"{support.SERVER_BIN} is not built")
class WithService(support.Case):
    def setUp(self):
        super().setUp()
        self.service = support.Service(self)
        self.to = self.service.settings()

    def sync(self, code=DONE, **more):
        return self.json("sync", "--timeout", "60s", code=code, timeout=180, **{**self.to, **more})

    def pending(self, **more):
        return self.status(**{**self.to, **more})["queue"]["pending"]

    def assertAgrees(self):
        """The ledgers of the service, of the store, and of the records counted by other code are one."""
        local = self.local_ledger()
        self.assertEqual(local, self.counted_ledger())
        self.assertEqual(self.service.ledger(), local)


class Delivery(WithService):
    def test_the_background_delivers_within_a_few_intervals(self):
        session = self.mcp(**self.to, FORTIUM_SYNC_INTERVAL=50, CLAUDE_CODE_SESSION_ID="s")
        session.initialize()
        ids = [session.record(n) for n in range(30)]
        ids.append(support.recorded_id(session.call("record-model-usage", {"model": "m", "input_tokens": 1,
                                                                           "output_tokens": 2})))
        session.call("record-session-start", {})
        session.call("record-session-end", {"session_id": "s"})
        start = time.monotonic()
        support.until(lambda: self.pending() == 0, "all is delivered")
        took = time.monotonic() - start
        session.record()
        support.until(lambda: self.pending() == 0, "what comes later is delivered too")
        self.assertEqual(session.end()[0], 0)
        session.assertClean()
        self.assertLess(took, 5.0)
        self.assertAgrees()
        told = self.status(**self.to)
        self.assertEqual(told["sync"]["circuit"], "closed")
        self.assertIsNone(told["sync"]["last_error"])
        self.assertTrue(told["sync"]["last_success"])
        self.assertTrue(told["store"]["ok"])
        self.assertOnce(ids, self.stored_ids())

    def test_the_shape_of_sync_and_flush(self):
        shape = {"sent": int, "accepted": int, "duplicates": int, "rejected": int, "remaining": int, "batches": int}
        for command, count in (("sync", 25), ("flush", 3)):
            self.record(count, **self.to)
            told = self.json(command, code=DONE, **self.to)
            self.assertLessEqual(set(shape) | {"duration_ms", "error"}, set(told))
            self.assertEqual({name: type(told[name]) for name in shape}, shape)
            self.assertEqual((told["sent"], told["accepted"], told["duplicates"], told["rejected"],
                              told["remaining"], told["error"]), (count, count, 0, 0, 0, None))
            self.assertGreater(told["duration_ms"], 0)
        done = self.cli("sync", code=DONE, **self.to)
        self.assertIn("0 still wait", done.out)
        self.assertAgrees()

    def test_every_kind_is_taken(self):
        for kind, fields in cli_test.EXAMPLES.items():
            self.cli("record", kind, *fields, code=DONE, **self.to)
        told = self.sync()
        self.assertEqual((told["accepted"], told["rejected"]), (len(support.KINDS), 0))
        self.assertAgrees()

    def test_text_of_any_script_arrives(self):
        lines = [support.tool_usage(0, tool_name=name, context={"text": name * 3}) for name in
                 ("Größe", "工具", "🧰", "a\u202eb", "a" * 255, "\u00e9", "e\u0301")]
        self.cli("record", "--json", "-", input="".join(json.dumps(one) + "\n" for one in lines), code=DONE, **self.to)
        told = self.sync()
        self.assertEqual((told["accepted"], told["rejected"]), (len(lines), 0))
        self.assertAgrees()

    def test_numbers_at_their_limits_arrive(self):
        lines = [support.tool_usage(0, execution_time_ms=value) for value in (0, 0.1, 1e-9, 86_400_000, 1234.5678)]
        lines += [{"kind": "model_usage", "model": "m", "input_tokens": value, "output_tokens": value}
                  for value in (0, 10**12)]
        lines += [{"kind": "productivity_metric", "metric_type": "efficiency_score", "value": value}
                  for value in (-1e15, 1e15, 0.1 + 0.2, 5e-324)]
        self.cli("record", "--json", "-", input="".join(json.dumps(one) + "\n" for one in lines), code=DONE, **self.to)
        told = self.sync()
        self.assertEqual((told["accepted"], told["rejected"]), (len(lines), 0))
        self.assertEqual(self.sync()["sent"], 0)
        self.assertAgrees()

    def test_a_service_that_starts_again(self):
        self.record(10, **self.to)
        self.sync()
        self.service.stop()
        self.record(10, **self.to)
        self.sync(UNREACHABLE, FORTIUM_RETRY_ATTEMPTS=0)
        self.service.serve()
        self.sync()
        self.assertAgrees()

    def test_remote_mode_keeps_records_until_they_are_delivered(self):
        remote = {**self.to, "FORTIUM_MODE": "remote"}
        ids = self.record(10, **remote)
        self.assertOnce(ids, self.stored_ids())
        self.sync(**remote)
        self.assertEqual(self.stored_ids(), [])
        self.assertEqual(sum(count for count, _ in self.service.ledger().values()), 10)
        self.assertEqual(self.service.ledger(), self.local_ledger())  # the ledger is not lost with the records


class Loss(WithService):
    def test_lost_answers_are_asked_for_again_and_counted_once(self):
        # Every second is lost; then two of four, so that asking again at once does not help either.
        for name, lose in (("second", lambda number: number % 2 == 0), ("two of four", lambda number: number % 4 >= 2)):
            with self.subTest(lost=name):
                cutter = support.Cutter(self, self.service.port, lose)
                to = {"FORTIUM_METRICS_URL": cutter.url, "FORTIUM_BATCH_SIZE": 20, "FORTIUM_RETRY_ATTEMPTS": 20}
                ids = self.record(200, **{**self.to, **to})
                told = self.sync(**to)
                self.assertGreaterEqual(cutter.lost, 4)
                self.assertEqual((told["accepted"] + told["duplicates"], told["remaining"]), (200, 0))
                self.assertOnce(ids, self.stored_ids())
                self.assertAgrees()

    def test_two_syncs_at_once_are_one_sender(self):
        self.record(2000, **self.to)
        results = []

        def run():
            results.append(self.cli("sync", "--json", "--timeout", "60s", **self.to, FORTIUM_BATCH_SIZE=20,
                                    timeout=120))

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([one.code for one in results], [DONE] * 3, results)
        told = [json.loads(one.out) for one in results]
        self.assertEqual(sum(one["accepted"] for one in told), 2000)
        self.assertEqual(sum(one["duplicates"] for one in told), 0)
        self.assertAgrees()

    def test_a_sync_that_is_killed_in_the_middle(self):
        chance = random.Random(os.environ.get("FORTIUM_TEST_SEED", "7"))
        self.record(3000, **self.to)
        killed = 0
        for _ in range(12):
            process = self.start("sync", env=self.env(**self.to, FORTIUM_BATCH_SIZE=20), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            before = self.delivered()
            wanted = before + chance.randrange(0, 200)
            support.until(lambda: process.poll() is not None or self.delivered() > wanted, "some are delivered")
            killed += process.poll() is None
            process.kill()
            process.wait()
        self.assertGreater(killed, 4)
        self.sync()
        self.assertEqual(self.pending(), 0)
        self.assertAgrees()

    def delivered(self):
        return sum(count for count, _ in self.service.ledger().values())

    def test_sessions_that_are_killed_while_they_send(self):
        chance = random.Random(3)
        acknowledged = []
        for _ in range(10):
            session = self.mcp(**self.to, FORTIUM_SYNC_INTERVAL=50)
            session.initialize()
            calls = [session.call_message("record-tool-usage", {"tool_name": "T", "execution_time_ms": n,
                                                                "status": "success"}) for n in range(200)]
            session.send(*calls)
            wanted = chance.randrange(1, 200)
            support.until(lambda: len(session.acknowledged()) >= wanted, "some are acknowledged")
            session.process.kill()
            session.wait_end()
            acknowledged += session.acknowledged()
        self.sync()
        self.assertOnce(acknowledged, self.stored_ids())
        self.assertAgrees()

    def test_a_service_that_is_killed_while_it_receives(self):
        self.record(2000, **self.to)
        process = self.start("sync", "--timeout", "120s", env=self.env(**self.to, FORTIUM_BATCH_SIZE=20,
                                                                       FORTIUM_RETRY_ATTEMPTS=20),
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for wanted in (100, 500):
            support.until(lambda: self.delivered() >= wanted, "some are delivered")
            self.service.kill()
            self.service.serve()
        self.assertEqual(process.wait(120), DONE)
        self.assertAgrees()


class Destinations(WithService):
    def test_records_made_without_an_account_go_out_when_the_person_agrees(self):
        ids = self.record(5)
        self.assertEqual(self.cli("sync").code, CONFIGURATION)
        told = self.sync(PARTLY)
        self.assertEqual((told["sent"], told["remaining"]), (0, 0))
        self.assertEqual(self.service.ledger(), {})
        said = self.cli("status", code=DONE, **self.to)
        self.assertIn("--adopt", said.out)
        told = self.json("sync", "--adopt", code=DONE, **self.to)
        self.assertEqual((told["accepted"], told["remaining"]), (5, 0))
        self.assertOnce(ids, self.stored_ids())
        self.assertAgrees()

    def test_a_changed_organization_never_delivers_the_backlog_of_another(self):
        key = self.service.add_organization("umbrella")
        other = self.service.settings(key=key, organization="umbrella")
        self.record(7, **self.to)
        self.record(3, **other)
        told = self.json("sync", code=PARTLY, **other)
        self.assertEqual((told["accepted"], told["remaining"]), (3, 0))
        self.assertEqual(sum(count for count, _ in self.service.ledger(key).values()), 3)
        self.assertEqual(self.service.ledger(), {})
        self.assertIn("7", self.cli("status", code=DONE, **other).out)
        told = self.sync()
        self.assertEqual(told["accepted"], 7)
        self.assertEqual(sum(count for count, _ in self.service.ledger().values()), 7)
        self.assertEqual(sum(count for count, _ in self.service.ledger(key).values()), 3)

    def test_a_key_that_is_refused_keeps_everything(self):
        wrong = {**self.to, "FORTIUM_API_KEY": "fm_wrong_key_of_nobody"}
        self.record(4, **wrong)
        self.json("sync", code=CREDENTIALS, **wrong)
        self.assertEqual(self.status(**wrong)["sync"]["circuit"], "paused")
        self.assertEqual(self.status(**wrong)["queue"]["pending"], 4)
        # The same organization with a new key: these are its records.
        self.assertEqual(self.sync()["accepted"], 4)
        self.assertAgrees()

    def test_records_made_while_a_setting_was_wrong_go_out_once_it_is_mended(self):
        self.record(3, **{**self.to, "FORTIUM_METRICS_URL": "ftp://nonsense"})
        self.record(2, **self.to)
        self.assertEqual(self.sync()["accepted"], 5)
        self.assertAgrees()


class Backlog(WithService):
    def test_a_large_backlog_drains_in_little_memory(self):
        lines = os.path.join(self.top, "lines")
        with open(lines, "w") as file:
            for number in range(BACKLOG):
                file.write(json.dumps(support.tool_usage(number, context={"number": number})) + "\n")
        self.cli("record", "--input", lines, code=DONE, timeout=300, **self.to)
        self.assertEqual(self.pending(), BACKLOG)
        listed = self.cli("status", code=DONE, **self.to)
        self.assertLess(listed.seconds, 2.0)

        start = time.monotonic()
        process = self.start("sync", "--timeout", "300s", "--json", env=self.env(**self.to), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        most = 0
        while process.poll() is None:
            try:
                most = max(most, support.high_water(process.pid))
            except OSError:
                break
            time.sleep(0.01)
        told = json.loads(process.communicate()[0])
        took = time.monotonic() - start
        self.assertEqual(process.returncode, DONE, told)
        self.assertEqual((told["accepted"], told["remaining"]), (BACKLOG, 0))
        self.assertGreater(most, 0)
        self.assertLess(most, MOST_MEMORY, f"{most >> 20} MiB")
        self.assertLess(took, 240)
        self.assertAgrees()


if __name__ == "__main__":
    support.main()
