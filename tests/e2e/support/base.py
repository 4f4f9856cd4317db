"""What all of it needs: where the programs are, waiting, and what ids add up to."""

import hashlib
import os
import socket
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
DEADLINE = 30.0  # seconds; a healthy program needs a small fraction of it
KINDS = {
    "command_execution": "command_executions",
    "tool_usage": "tool_usages",
    "agent_interaction": "agent_interactions",
    "user_session": "user_sessions",
    "productivity_metric": "productivity_metrics",
    "model_usage": "model_usages",
}
# Exit codes, as documented.
DONE, FAILED, USAGE, CONFIGURATION, UNREACHABLE, CREDENTIALS, PARTLY, STORE = range(8)


def _program(variable, name):
    path = os.environ.get(variable) or os.path.join(ROOT, "build", "dev", "bin", name)
    return os.path.abspath(path)


BIN = _program("FORTIUM_BIN", "fortium-metrics")
SERVER_BIN = _program("FORTIUM_SERVER_BIN", "fortium-metrics-server")
# Where the service keeps its records: sqlite, or postgres, then each test has a PostgreSQL of its own.
ON_POSTGRES = os.environ.get("FORTIUM_TEST_ENGINE", "sqlite") == "postgres"
about_files = unittest.skipIf(ON_POSTGRES, "is about the service's files")


def until(condition, what, deadline=DEADLINE):
    """The first true value of `condition`; polls, as there is nothing to wait on."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:.0f} s: {what}")
        time.sleep(0.005)


def hang_up(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()


def digest(ids):
    """The ledger's digest: the sum modulo 2^128 of the first 16 bytes of SHA-256 of each id in lower case."""
    total = 0
    for one in ids:
        total += int.from_bytes(hashlib.sha256(one.lower().encode()).digest()[:16], "big")
    return f"{total % (1 << 128):032x}"


def high_water(pid):
    """Peak resident memory of a living process, in bytes."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def end_process(process):
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
