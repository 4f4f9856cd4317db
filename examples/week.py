#!/usr/bin/env python3
"""Prints one line about the last week, from the JSON that fortium-metrics writes.

    examples/week.py [PERIOD]        such as 1d or 30d; 7d, if absent

Exits with 1 when records wait for longer than an hour: a check for your monitoring.
"""

import json
import subprocess
import sys

HOUR_MS = 60 * 60 * 1000


def ask(*command):
    done = subprocess.run(["fortium-metrics", *command, "--json"], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def main():
    period = sys.argv[1] if len(sys.argv) > 1 else "7d"
    totals = ask("report", "summary", "--since", period)["totals"]
    print(f"{period}: {totals['sessions']} sessions, {totals['commands']} commands, {totals['tools']} tool calls, "
          f"{totals['errors']} errors, {totals['tokens']['total']} tokens")
    queue = ask("status")["queue"]
    if queue["pending"] and queue["oldest_ms"] > HOUR_MS:
        print(f"{queue['pending']} records wait, the oldest for {queue['oldest_ms'] // HOUR_MS} hours", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
