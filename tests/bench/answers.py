#!/usr/bin/python3
"""Measures the answers about a large store, and about a small one of the same years, in turns.

    answers.py LARGE SMALL [--program fortium-metrics] [--rounds 21] [--calls 200] [--zone UTC]

LARGE and SMALL are data directories, see bench_fill. First `report` with each question, from the start of the process to
its end; then the query tools over one MCP connection, from the request written to the answer read. Prints milliseconds,
and how many times the large store takes of what the small one does.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

QUESTIONS = "summary sessions tools commands agents models projects errors days hours year".split()
TOOLS = [("get-session-metrics", {}), ("get-tool-metrics", {}), ("get-tool-metrics", {"days": 90}),
         *(("query_dashboard", {"timeframe": frame}) for frame in ("1h", "24h", "7d", "30d")),
         *(("get-report", {"question": question, **days}) for days in ({}, {"days": 30}, {"days": 90})
           for question in QUESTIONS if question != "year" or not days)]


class Connection:
    def __init__(self, program, data, environment):
        self.child = subprocess.Popen([program, "--data-dir", data, "mcp"], env=environment, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.number = 0
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {},
                                "clientInfo": {"name": "answers", "version": "1"}})
        self.child.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    def ask(self, method, params):
        self.number += 1
        line = json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}).encode() + b"\n"
        begin = time.perf_counter()
        self.child.stdin.write(line)
        self.child.stdin.flush()
        while True:
            answer = self.child.stdout.readline()
            took = time.perf_counter() - begin
            if not answer:
                raise SystemExit("the server has ended")
            answer = json.loads(answer)
            if answer.get("id") == self.number:
                if "error" in answer or answer["result"].get("isError"):
                    raise SystemExit(f"{params}: {json.dumps(answer)[:300]}")
                return took

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def report(program, data, environment, question):
    begin = time.perf_counter()
    child = subprocess.Popen([program, "--data-dir", data, "report", question], env=environment,
                             stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit(f"report {question} failed")
    return time.perf_counter() - begin, used.ru_maxrss / 1024


def rank(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, len(values) * percent // 100)] * 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("large")
    parser.add_argument("small")
    parser.add_argument("--program", default="fortium-metrics")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--zone", default="UTC")
    options = parser.parse_args()
    program = os.path.abspath(options.program) if os.path.exists(options.program) else options.program

    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "TZ": options.zone}
        print(f"{'report, from start to end':44} {'p50':>7} {'max':>7} {'MiB':>6} {'small':>7}")
        for question in QUESTIONS:
            both = [[report(program, data, environment, question) for data in (options.large, options.small)]
                    for _ in range(options.rounds)]
            large, small = [one[0][0] for one in both], [one[1][0] for one in both]
            print(f"{question:44} {rank(large, 50):7.2f} {max(large) * 1000:7.2f} {max(one[0][1] for one in both):6.1f} "
                  f"{rank(small, 50):7.2f} {rank(large, 50) / rank(small, 50):5.1f}x")
        print(f"\n{'over MCP':44} {'p50':>7} {'p99':>7} {'first':>6} {'small':>7}")
        large, small = (Connection(program, data, environment) for data in (options.large, options.small))
        for name, arguments in TOOLS:
            call = {"name": name, "arguments": arguments}
            both = [(large.ask("tools/call", call), small.ask("tools/call", call)) for _ in range(options.calls)]
            times, others = [one[0] for one in both], [one[1] for one in both]
            words = " ".join([name, *map(str, arguments.values())])
            print(f"{words:44} {rank(times, 50):7.2f} {rank(times, 99):7.2f} {times[0] * 1000:6.2f} {rank(others, 50):7.2f} "
                  f"{rank(times, 50) / rank(others, 50):5.1f}x")
        large.close()
        small.close()


if __name__ == "__main__":
    main()
