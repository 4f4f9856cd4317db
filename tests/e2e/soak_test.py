#!/usr/bin/python3
"""Many processes on one store at once: nothing lost, nothing twice, nothing out of order."""

import collections
import json
import os
import threading
import time

import support
from support import DONE, KINDS, STORE

SESSIONS = 8
CALLS = int(os.environ.get("FORTIUM_TEST_CALLS", "400"))  # of each session


class Soak(support.Case):
    def test_sessions_records_and_reports_on_one_store(self):
        acknowledged, troubles = collections.defaultdict(list), []
        guard = threading.Lock()
        done = threading.Event()

        def in_thread(work, *args):
            def run():
                try:
                    work(*args)
                except BaseException as trouble:
                    with guard:
                        troubles.append(f"{work.__name__}{args}: {trouble}")
            thread = threading.Thread(target=run)
            thread.start()
            return thread

        sessions = [self.mcp(CLAUDE_CODE_SESSION_ID=f"soak-{number % (SESSIONS // 2)}") for number in range(SESSIONS)]

        def talk(number):
            session = sessions[number]
            session.initialize()
            kinds = [("record-tool-usage", {"tool_name": f"T{number}", "execution_time_ms": 1, "status": "success"}),
                     ("record-command-execution", {"command_name": "c", "execution_time_ms": 2, "status": "error"}),
                     ("record-model-usage", {"model": "m", "input_tokens": 1, "output_tokens": 2}),
                     ("record-session-update", {"commands_executed": number})]
            for first in range(0, CALLS, 20):
                calls = [session.call_message(*kinds[(first + n) % len(kinds)]) for n in range(20)]
                session.send(*calls)
                ids = [support.recorded_id(session.wait(one["id"])["result"]) for one in calls]
                with guard:
                    acknowledged[f"soak-{number % (SESSIONS // 2)}"] += ids

        def record():
            number = 0
            while not done.is_set():
                ids = self.record(30, CLAUDE_CODE_SESSION_ID="soak-cli")
                with guard:
                    acknowledged["soak-cli"] += ids
                number += 1

        def look():
            least = 0
            while not done.is_set():
                told = self.status()
                self.assertTrue(told["store"]["ok"], told)
                self.assertGreaterEqual(told["records"]["total"], least, "records became fewer")
                least = told["records"]["total"]
                summary = self.json("report", "summary", "--since", "1d")
                # Tools and model requests are counted in one view of the store: never less than was there before.
                self.assertGreaterEqual(summary["totals"]["tools"], 0)

        talkers = [in_thread(talk, number) for number in range(SESSIONS)]
        others = [in_thread(record), in_thread(look)]
        for thread in talkers:
            thread.join()
        done.set()
        for thread in others:
            thread.join()
        for session in sessions:
            self.assertEqual(session.end()[0], 0)
            session.assertClean(silent=False)
            # A store that others hold for too long is told, once: what comes then waits in the spool.
            for line in session.errors.decode().splitlines():
                self.assertIn("recording to the spool", line)
        self.assertEqual(troubles, [])
        self.check(acknowledged)

    def check(self, acknowledged):
        all_ids = [one for ids in acknowledged.values() for one in ids]
        self.assertGreaterEqual(len(all_ids), SESSIONS * CALLS)
        told = self.status()  # merges what went to the spool, should the store have been busy
        self.assertEqual(told["store"]["spooled"], 0)
        self.assertEqual(told["records"]["total"], len(all_ids))
        stored = self.stored_ids()
        self.assertOnce(all_ids, stored)
        self.assertEqual(sorted(stored), sorted(all_ids))

        # The ledger is what other code counts, and its digests too.
        ledger = self.local_ledger()
        self.assertEqual(ledger, self.counted_ledger())
        self.assertEqual(sum(count for count, _ in ledger.values()), len(all_ids))

        connection = self.store()
        numbers = collections.defaultdict(list)
        for kind in KINDS:
            for session, seq in connection.execute(f"SELECT session_id, seq FROM {kind}"):
                numbers[session].append(seq)
        self.assertEqual({session: len(ids) for session, ids in acknowledged.items()},
                         {session: len(these) for session, these in numbers.items()})
        for session, these in numbers.items():
            self.assertEqual(sorted(these), list(range(1, len(these) + 1)), f"{session}: numbers have gaps or repeat")

    def test_busy_sessions_do_not_starve_another(self):
        """Four sessions write without a pause; a fifth that asks for one record at a time still gets its turn."""
        done = threading.Event()
        busy = [self.mcp() for _ in range(4)]

        def talk(session):
            session.initialize()
            while not done.is_set():
                calls = [session.call_message("record-tool-usage", {"tool_name": "T", "execution_time_ms": 1,
                                                                    "status": "success"}) for _ in range(20)]
                session.send(*calls)
                for one in calls:
                    session.wait(one["id"])

        threads = [threading.Thread(target=talk, args=(session,)) for session in busy]
        for thread in threads:
            thread.start()
        slowest = 0.0
        try:
            session = self.mcp()
            session.initialize()
            end = time.monotonic() + 3
            while time.monotonic() < end:
                start = time.monotonic()
                session.record()
                slowest = max(slowest, time.monotonic() - start)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertLess(slowest, 1.0)  # 50 ms is the aim; the whole wait for the store is 5 s
        self.assertEqual(self.status()["store"]["spooled"], 0)

    def test_the_background_of_many_sessions_is_one_sender(self):
        peer = support.Peer(self)
        to = peer.settings(FORTIUM_SYNC_INTERVAL=50, FORTIUM_BATCH_SIZE=50)
        sending, most = [0], [0]
        guard = threading.Lock()

        def receive(request):
            with guard:
                sending[0] += 1
                most[0] = max(most[0], sending[0])
            try:
                return support.Reply(200, peer.receipt(request))
            finally:
                with guard:
                    sending[0] -= 1

        peer.batch(receive)
        sessions = [self.mcp(CLAUDE_CODE_SESSION_ID=f"one-{n}", **to) for n in range(4)]
        ids = []
        for session in sessions:
            session.initialize()
        for round in range(20):
            for session in sessions:
                calls = [session.call_message("record-tool-usage", {"tool_name": "T", "execution_time_ms": round,
                                                                    "status": "success"}) for _ in range(10)]
                session.send(*calls)
                ids += [support.recorded_id(session.wait(one["id"])["result"]) for one in calls]
        support.until(lambda: self.status(**to)["queue"]["pending"] == 0, "all is delivered")
        for session in sessions:
            session.end()
        self.assertEqual(sorted(peer.ids), sorted(ids))
        self.assertEqual(set(peer.ids.values()), {1}, "sent twice although nothing was lost")
        self.assertEqual(most[0], 1)


if __name__ == "__main__":
    support.main()
