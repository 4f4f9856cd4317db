#!/usr/bin/python3
"""How much one organization's flood costs another: the quiet one's latency alone, and beside a noisy one.

    tests/bench/fairness.py [--seconds 10] [--noisy 16]

The noisy organization sends batches of 100 records as fast as it can over its connections, far beyond its limit; the quiet
one sends one small batch after another. Prints p50 and p99 of the quiet one in milliseconds, alone and beside the noise,
their ratios, and what became of the noise. Measured with the limit in force, and with none at all, where only the turns
that organizations take protect the quiet one.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVER = os.environ.get("FORTIUM_SERVER_BIN") or os.path.join(ROOT, "build", "dev", "bin", "fortium-metrics-server")


def batch(count):
    return json.dumps({"batch_id": str(uuid.uuid4()), "device_id": "d", "tool_usages": [
        {"id": str(uuid.uuid4()), "timestamp": "2026-01-02T03:04:05.678Z", "tool_name": "Edit", "execution_time_ms": 1,
         "status": "success"} for _ in range(count)]})


def post(connection, key, body):
    connection.request("POST", "/api/v1/metrics/batch", body,
                       {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def flood(port, key, connections, until, counts):
    """Keeps every one of some connections busy."""
    pool = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(connections)]
    body = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    while time.time() < until:
        for connection in pool:
            connection.request("POST", "/api/v1/metrics/batch", batch(100), body)
        for connection in pool:
            answer = connection.getresponse()
            answer.read()
            with counts.get_lock():
                counts[0 if answer.status == 200 else 1] += 1
            if answer.will_close:
                connection.close()


def quiet(port, key, seconds):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    times, end = [], time.time() + seconds
    while time.time() < end:
        body = batch(1)
        begin = time.perf_counter()
        if post(connection, key, body) != 200:
            sys.exit("the quiet organization was refused")
        times.append((time.perf_counter() - begin) * 1000)
        time.sleep(0.01)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def measure(options, limit):
    with tempfile.TemporaryDirectory(prefix="fortium-fairness-") as data:
        def tell(*words):
            return json.loads(subprocess.run([SERVER, *words, "--data", data, "--json"], check=True, capture_output=True).stdout)

        keys = []
        for name in ("noisy", "quiet"):
            tell("tenant", "create", name)
            keys.append(tell("key", "create", "--tenant", name)["key"])
        serve = subprocess.Popen([SERVER, "serve", "--listen", "127.0.0.1:0", "--data", data], stdout=subprocess.PIPE,
                                 text=True, env={**os.environ, "RATE_LIMIT_MAX_REQUESTS": str(limit)})
        try:
            port = int(re.search(r":(\d+)$", serve.stdout.readline().strip()).group(1))
            quiet(port, keys[1], 1)
            alone = quiet(port, keys[1], options.seconds)
            counts = multiprocessing.Array("q", 2)
            noise = [multiprocessing.Process(target=flood, args=(port, keys[0], options.noisy // 2, time.time() + options.seconds + 2,
                                                                 counts)) for _ in range(2)]
            for process in noise:
                process.start()
            time.sleep(1)
            beside = quiet(port, keys[1], options.seconds)
            for process in noise:
                process.join()
        finally:
            serve.terminate()
            serve.wait()
    print(f"limit {limit:>10}: alone p50 {alone[0]:6.2f} p99 {alone[1]:6.2f} ms; beside p50 {beside[0]:6.2f} p99 {beside[1]:6.2f} ms; "
          f"ratio p50 {beside[0] / alone[0]:.1f} p99 {beside[1] / alone[1]:.1f}; noise: {counts[0]} taken, {counts[1]} refused")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--noisy", type=int, default=16, help="connections of the noisy organization")
    options = parser.parse_args()
    for limit in (6000, 1_000_000_000):  # 6000: the quiet one stays below it, the noisy one asks for ten times as much
        measure(options, limit)


if __name__ == "__main__":
    main()
