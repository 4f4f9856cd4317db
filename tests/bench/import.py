#!/usr/bin/python3
"""Measures `import` and what follows it, and another program that reads the same transcripts, in turns.

    import.py FOLDER [--program fortium-metrics] [--other COMMAND] [--rounds 7]

FOLDER is what CLAUDE_CONFIG_DIR names; see make_transcripts.py. Prints medians: seconds, seconds of the processors, peak
memory, and the ratio of each to the other program's seconds of the same round.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import tempfile
import time


def measure(command, environment):
    begin = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begin
    if status != 0:
        raise SystemExit(f"failed: {shlex.join(command)}")
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "mib": used.ru_maxrss / 1024}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--program", default="fortium-metrics")
    parser.add_argument("--other")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()

    rounds = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as home:
            environment = {"PATH": os.environ["PATH"], "HOME": home, "CLAUDE_CONFIG_DIR": os.path.abspath(options.folder)}
            ours = [os.path.abspath(options.program) if os.path.exists(options.program) else options.program]
            steps = [("first import", [*ours, "import", "--from", "claude"]),
                     ("nothing new", [*ours, "import", "--from", "claude"]),
                     ("first report", [*ours, "report"]),
                     ("report", [*ours, "report"]),
                     ("report days", [*ours, "report", "days"])]
            if options.other:
                steps.insert(0, ("the other", shlex.split(options.other)))
            rounds.append({name: measure(command, environment) for name, command in steps})

    print(f"{'':14} {'seconds':>9} {'cpu':>7} {'MiB':>6}   of the other")
    for name in rounds[0]:
        middle = {key: statistics.median(one[name][key] for one in rounds) for key in rounds[0][name]}
        ratio = ""
        if options.other:
            shares = [one[name]["seconds"] / one["the other"]["seconds"] for one in rounds]
            ratio = f"{statistics.median(shares):.3f}   from {min(shares):.3f} to {max(shares):.3f}"
        print(f"{name:14} {middle['seconds']:9.4f} {middle['cpu']:7.3f} {middle['mib']:6.1f}   {ratio}")


if __name__ == "__main__":
    main()
