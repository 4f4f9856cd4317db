#!/usr/bin/python3
"""How much one organization's flood costs the others: their latency alone, and while a neighbour asks for ten times its limit.

    tests/bench/fairness.py [--limit 1000] [--seconds 60]

Ten quiet organizations send ten records a second each, one at a time. The noisy one sends batches of 100 (of which each is
five units) at ten times `--limit` units a minute, whatever it is answered: for some seconds of each minute it is within its
limit, then it is refused. Three cases, one after the other: nobody is noisy; the noise goes to a program that takes every
request and refuses it (`bench_refuse`), so that what the noise itself costs this machine, its sender and its way through
the kernel, is seen; the noise goes to the service. Prints p50 and p99 of the quiet ones, and the ratio of the third p99 to
the greater of the other two; its budget is 1.1. Afterwards, for those who want to know what the turns of organizations are
worth by themselves, the same without any limit, and a noise as fast as it is answered.

Programs are those of build/release, or of the tree that FORTIUM_BUILD names.
"""

import argparse
import os
import re
import subprocess

from ingest import BUILD, Place, support

QUIET, PACE, CONNECTIONS = 10, 100, 16
UNITS = 5  # of a batch of 100
BUDGET = 1.1
WITHOUT = 100_000_000


def start(*args):
    return subprocess.Popen([os.path.join(BUILD, "bench", "bench_load"), *map(str, args)], stdout=subprocess.PIPE, text=True)


def end(process):
    said = process.communicate()[0]
    if process.returncode != 0:
        raise AssertionError("bench_load failed")
    return said.splitlines()[-1]


def quiet(service, keys, seconds):
    """(p50, p99) in milliseconds."""
    line = end(start(service.port, ",".join(keys), QUIET, 1, seconds, "--pace", PACE))
    return tuple(float(re.search(rf"p{percent} ([\d.]+)", line).group(1)) for percent in (50, 99))


def beside(service, keys, seconds, port, key, pace):
    """The same while noise goes to a port; and what became of the noise."""
    paced = ["--pace", pace] if pace else []
    noise = start(port, key, CONNECTIONS, 100, seconds + 1, "--limited", *paced)
    return quiet(service, keys, seconds), end(noise)


def measure(place, limit, seconds, pace):
    service = support.Service(place, organization="noisy")
    service.process.terminate()
    service.process.wait()
    service.env["RATE_LIMIT_MAX_REQUESTS"] = str(limit)
    service.serve()
    refuser = subprocess.Popen([os.path.join(BUILD, "bench", "bench_refuse")], stdout=subprocess.PIPE, text=True)
    try:
        keys = [service.add_organization(f"quiet-{i}") for i in range(QUIET)]
        quiet(service, keys, 2)
        alone = quiet(service, keys, seconds)
        refused, _ = beside(service, keys, seconds, int(refuser.stdout.readline()), service.key, pace or PACE * 10)
        there, noise = beside(service, keys, seconds, service.port, service.key, pace)
    finally:
        refuser.kill()
        refuser.wait()
        service.process.terminate()
        service.process.wait()
    ratio = there[1] / max(alone[1], refused[1])
    what = f"{pace} batches/s" if pace else "all it can"
    print(f"noise {what:>14}: " + "; ".join(
        f"{name} p50 {times[0]:5.2f} p99 {times[1]:6.2f} ms"
        for name, times in (("alone", alone), ("noise refused elsewhere", refused), ("noise here", there))) +
          f"; ratio {ratio:.2f}; noise: {noise[noise.find('('):]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--limit", type=int, default=1000, help="units a minute of each organization")
    parser.add_argument("--seconds", type=int, default=60, help="of each case")
    parser.add_argument("--without", action="store_true", help="also without a limit")
    options = parser.parse_args()
    place = Place()
    place.setUp()
    try:
        measure(place, options.limit, options.seconds, options.limit * 10 // 60 // UNITS)
        if options.without:
            measure(place, WITHOUT, min(options.seconds, 10), 0)
    finally:
        place.tearDown()
        place.doCleanups()


if __name__ == "__main__":
    main()
