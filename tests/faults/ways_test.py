#!/usr/bin/python3
"""The way to the service: comes and goes, leads nowhere, leads to somebody else. F16; TLS (F15) is in policy_test.py."""

import socket
import time

import faults
import support
from faults import tell, times
from support import DONE, Peer, Reset, UNREACHABLE


class Flapping(faults.Case):
    def test_a_service_that_comes_and_goes(self):
        """Everything arrives, once; nobody hammers a door that is closed."""
        peer = Peer(self)
        to = {**self.fresh(), **peer.settings(FORTIUM_SYNC_INTERVAL=50, FORTIUM_BATCH_SIZE=10)}
        up = [False]
        peer.batch(lambda request: peer.honest(request) if up[0] else Reset())
        peer.on("/api/v1/capabilities", lambda request: peer.honest(request) if up[0] else Reset())
        session = self.mcp(**to)
        session.initialize()
        for turn in range(times(4, 20)):
            up[0] = turn % 2 == 1
            before, end = len(peer.requests), time.monotonic() + 1
            while time.monotonic() < end:
                session.record(turn)
            if not up[0]:
                self.assertLessEqual(len(peer.requests) - before, 12, "a hot loop")
        up[0] = True
        session.end()
        self.oracle.acknowledge(session.acknowledged())
        self.json("sync", code=DONE, **to)
        self.oracle.check_drained(dict(peer.ids), **to)
        tell("F16", "a service that is up for a second and down for a second", times(4, 20), lost=0, double=0)

    def test_a_port_that_nobody_listens_on_and_a_name_that_is_none(self):
        free = socket.create_server(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        for url in (f"http://127.0.0.1:{port}", "https://no-such-host.invalid", f"http://localhost:{port}"):
            with self.subTest(url=url):
                to = {**self.fresh(), **Peer(self).settings(), "FORTIUM_METRICS_URL": url, "FORTIUM_TIMEOUT": 3000}
                self.hand_in(2, code=DONE, **to)
                done = self.cli("sync", "--json", **to, code=UNREACHABLE)
                self.assertLess(done.seconds, 10)
                self.assertEqual(sum(self.oracle.check({}).queued.values()), 2)
                self.oracle.check_silent(done.out, done.err)

    def test_a_process_that_was_asleep(self):
        """Suspended in the middle of a request, for longer than the service waits; then it goes on."""
        import signal
        import subprocess
        peer = Peer(self)
        to = {**self.fresh(), **peer.settings(FORTIUM_RETRY_ATTEMPTS=3)}
        self.hand_in(5, code=DONE, **to)
        held = []

        def first(request):
            if not held:
                held.append(request)
                peer.receipt(request)  # it is counted
                return support.Silent()
            return support.Reply(200, peer.receipt(request))

        peer.batch(first)
        process = self.start("sync", env=self.env(**to), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        support.until(lambda: held, "a request is in flight")
        process.send_signal(signal.SIGSTOP)
        for connection in list(peer._open):
            connection.shutdown(socket.SHUT_RDWR)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(support.DEADLINE), DONE)
        self.oracle.check_drained(dict.fromkeys(peer.ids, 1), **to)


if __name__ == "__main__":
    faults.main()
