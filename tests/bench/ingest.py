#!/usr/bin/python3
"""How fast the service takes records in, beside a bare loop that inserts the same rows with the same durability.

    tests/bench/ingest.py [--seconds 5] [--rounds 3] [--engine sqlite] [--engine postgres] [--order in-order]

Loop and service take turns, each on a store of its own that is new. The service is asked over 8 connections in batches of
100, and on its own for single records over 32. Prints the medians of the rounds, and the ratio of service to loop; its
budget is at least 0.6. Programs are those of build/release, or of the tree that FORTIUM_BUILD names. PostgreSQL is started
here, as the tests do it, and waits for the disk as in earnest.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("FORTIUM_BUILD") or os.path.join(ROOT, "build", "release"))
os.environ.setdefault("FORTIUM_SERVER_BIN", os.path.join(BUILD, "bin", "fortium-metrics-server"))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import support  # noqa: E402

BUDGET = 0.6


class Place(support.Case):
    """Where stores are made, and gone with it."""

    def runTest(self):
        """Nothing: the bench says what happens here."""


def bench(name, *args):
    done = subprocess.run([os.path.join(BUILD, "bench", name), *map(str, args)], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def rows_per_second(place, postgres, options):
    where = postgres.database() if postgres else os.path.join(place.top, f"rows-{os.urandom(4).hex()}.db")
    return float(bench("bench_rows", where, options.seconds, *options.flags).split()[0])


def load(place, postgres, options, connections, records):
    """(records/s, p99 in ms) of a service of its own."""
    service = support.Service(place, database=postgres.database() if postgres else None)
    try:
        line = bench("bench_load", service.port, service.key, connections, records, options.seconds, *options.flags)
        return float(line.split()[0]), float(re.search(r"p99 ([\d.]+)", line).group(1))
    finally:
        service.process.terminate()
        service.process.wait()


def measure(engine, options):
    place = Place()
    place.setUp()
    try:
        postgres = support.Postgres(place) if engine == "postgres" else None
        loops, batches, singles = [], [], []
        for _ in range(options.rounds):
            loops.append(rows_per_second(place, postgres, options))
            batches.append(load(place, postgres, options, 8, 100))
            singles.append(load(place, postgres, options, 32, 1))
    finally:
        place.tearDown()
        place.doCleanups()
    loop = statistics.median(loops)
    rate, p99 = (statistics.median(column) for column in zip(*batches))
    single, single_p99 = (statistics.median(column) for column in zip(*singles))
    print(f"{engine:8} loop {loop:7.0f} rows/s; batches {rate:7.0f} records/s, p99 {p99:5.1f} ms; "
          f"singles {single:6.0f}/s, p99 {single_p99:5.1f} ms; ratio {rate / loop:.2f}, budget {BUDGET}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", action="append", choices=("sqlite", "postgres"))
    parser.add_argument("--order", choices=("in-order", "mixed"), help="how records come, as bench_load says")
    options = parser.parse_args()
    options.flags = [f"--{options.order}"] if options.order else []
    for engine in options.engine or ("sqlite", "postgres"):
        measure(engine, options)


if __name__ == "__main__":
    main()
