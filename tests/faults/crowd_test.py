#!/usr/bin/python3
"""Very many at once, and very much at once."""

import json
import os
import subprocess
import threading
import time

import faults
import support
from faults import tell, times
from support import DONE, PARTLY, Peer, Reply, STORE


class Crowd(faults.Case):
    """F9."""

    PROCESSES = int(os.environ.get("FORTIUM_TEST_PROCESSES", times(8, 64)))
    SECONDS = float(os.environ.get("FORTIUM_TEST_SECONDS", times(5, 60)))
    RECORDERS = 8  # in each process: calls in flight

    def test_many_record_some_send_somebody_asks(self):
        to = self.fresh()
        peer = Peer(self)
        to = {**to, **peer.settings(FORTIUM_BATCH_SIZE=100, FORTIUM_SYNC_INTERVAL=50)}
        sending, most, guard = [0], [0], threading.Lock()

        def receive(request):
            with guard:
                sending[0] += 1
                most[0] = max(most[0], sending[0])
            try:
                return Reply(200, peer.receipt(request))
            finally:
                with guard:
                    sending[0] -= 1

        peer.batch(receive)
        end, troubles, slow, busy = time.monotonic() + self.SECONDS, [], [], []

        def listen(done):
            """With very many at once somebody may be told, after five seconds, that it is not his turn."""
            if done.code == STORE and "was locked" in done.err and self.PROCESSES > 8:
                busy.append(done)
            elif done.code not in (DONE, PARTLY):
                troubles.append(done)

        def record():
            while time.monotonic() < end:
                session = self.mcp(**to)
                session.initialize()
                for _ in range(30):
                    calls = [session.call_message("record-tool-usage", {"tool_name": "T", "execution_time_ms": n,
                                                                        "status": "success"})
                             for n in range(self.RECORDERS)]
                    began = time.monotonic()
                    session.send(*calls)
                    for one in calls:
                        session.wait(one["id"], 120)
                    slow.append(time.monotonic() - began)
                with guard:
                    self.oracle.acknowledge(session.acknowledged())
                session.end()

        def send():
            while time.monotonic() < end:
                listen(self.cli("sync", "--timeout", "2s", **to))

        def ask():
            while time.monotonic() < end:
                listen(self.cli("report", "summary", "--json", **to))
                listen(self.cli("status", "--json", **to))

        def in_thread(work):
            def run():
                try:
                    work()
                except BaseException as trouble:
                    troubles.append(trouble)
            return threading.Thread(target=run)

        threads = [in_thread(record) for _ in range(self.PROCESSES)] + [in_thread(send) for _ in range(4)]
        threads += [in_thread(ask)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(troubles, [])
        self.json("sync", "--timeout", "120s", code=DONE, timeout=180, **to)
        self.assertEqual(most[0], 1, "more than one sender at a time")
        # Who was told, and could not note it because it was not his turn, asks again: the service knows the record then.
        self.oracle.check_drained(dict.fromkeys(peer.ids, 1), **to)
        self.oracle.check_silent()
        sent_again = sum(n - 1 for n in peer.ids.values())
        slow.sort()
        tell("F9", f"{self.PROCESSES} processes, {self.RECORDERS} calls in flight in each, 4 senders, a reader, for "
                   f"{self.SECONDS:.0f} s", len(slow), acknowledged=len(self.oracle.acknowledged), lost=0, double=0,
             most_senders_at_once=most[0], sent_again=sent_again,
             commands_told_that_it_is_busy=len(busy), p99_of_a_group_ms=round(slow[len(slow) * 99 // 100] * 1000))


class Alone(faults.Case):
    """F19, the other way to much: very many programs that live for one record, and nobody beside them."""

    def test_the_log_does_not_grow_with_them(self):
        to = self.fresh()
        most = 0
        for _ in range(times(12, 60)):
            self.hand_in(40, code=DONE, more={"context": {"text": "x" * 20_000}}, **to)
            most = max(most, os.path.getsize(self.database + "-wal"))
        self.assertLess(most, 8 << 20)
        self.oracle.check()


class Backlog(faults.Case):
    """F19."""

    SIZE = int(os.environ.get("FORTIUM_TEST_BACKLOG", times(20_000, 1_000_000)))

    def record_times(self, seconds, **to):
        """How long single calls of a session take, in seconds, sorted."""
        session = self.mcp(**to)
        session.initialize()
        session.record()
        took, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            session.record(len(took))
            took.append(time.monotonic() - began)
        session.end()
        self.oracle.acknowledge(session.acknowledged())
        return sorted(took)

    def status_time(self, **to):
        return min(self.cli("status", "--json", code=DONE, **to).seconds for _ in range(5))

    def test_a_backlog_drains_and_nobody_notices(self):
        service = support.Service(self)
        to = {**self.fresh(), **service.settings()}
        self.hand_in(1, code=DONE, **to)
        small = self.status_time(**to)
        seconds = times(1.0, 10.0)
        quiet = self.record_times(seconds, **{**to, "FORTIUM_SYNC_INTERVAL": 3_600_000})
        self.oracle.handed.clear()
        lines = os.path.join(self.top, "lines")
        with open(lines, "w") as file:
            for n in range(self.SIZE):
                file.write(json.dumps(support.tool_usage(n)) + "\n")
        done = self.cli("record", "--json", "--input", lines, code=DONE, timeout=1200, **to)
        self.oracle.heard(done.out)
        large = self.status_time(**to)

        began, marks = time.monotonic(), []
        process = self.start("sync", "--timeout", "3000s", "--json", env=self.env(**to), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        busy = self.record_times(seconds, **{**to, "FORTIUM_SYNC_INTERVAL": 3_600_000})
        memory = 0
        while process.poll() is None:
            memory = max(memory, support.high_water(process.pid))
            marks.append((time.monotonic() - began, sum(count for count, _ in service.ledger().values())))
            time.sleep(0.2)  # between two looks; nothing is waited for
        took = time.monotonic() - began
        told = json.loads(process.communicate()[0])
        self.assertEqual(process.returncode, DONE, told)
        self.json("sync", code=DONE, **to)
        self.assertEqual(service.ledger(), self.local_ledger())
        self.oracle.check_drained(service.ids(), **to)
        self.assertLess(memory, 64 << 20)

        def p99(sorted_times):
            return sorted_times[len(sorted_times) * 99 // 100]

        # Rates of the first and the last third.
        third = [next((at for at, count in marks if count >= self.SIZE * part / 3), took) for part in (1, 2)]
        tell("F19", f"a backlog of {self.SIZE} records", 1, acknowledged=len(self.oracle.acknowledged), lost=0, double=0,
             drained_per_second=round(self.SIZE / took), last_third_by_first_third=round((took - third[1]) / third[0], 2),
             memory_mib=memory >> 20, status_ms_empty=round(small * 1000, 1), status_ms_full=round(large * 1000, 1),
             record_p99_draining_by_quiet=round(p99(busy) / p99(quiet), 2))


if __name__ == "__main__":
    faults.main()
