#!/usr/bin/python3
"""What must not stand in tracked files: places on somebody's machine, secrets, leftovers, and words we do not use."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SELF = os.path.relpath(os.path.abspath(__file__), ROOT)
FORBIDDEN = {
    "a path on a machine": r"(?<![\w.~$}/-])/(home|Users|work|root)/[A-Za-z0-9]",
    "a registry's address": r"\"resolved\":|//registry\.[a-z]",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a token": r"\b(ghp|gho|ghs|glpat|xox[bp]|sk-ant|npm)_?-?[A-Za-z0-9_-]{24,}",
    "a merge left undone": r"^(<{7}|>{7}) ",
    "work left for now": r"\b(TODO\(now\)|FIXME|XXX)\b",
    "blanks at the end of a line": r"[ \t]+$",
}
BINARY = (".png", ".gz", ".db", ".ico")


def tracked():
    """Tracked files, and those that would be: new ones are looked at before they are added."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    return [one for one in listed if one and one != SELF and os.path.isfile(os.path.join(ROOT, one))]


def main():
    wrong = 0
    for path in sorted(tracked()):
        if path.endswith(BINARY):
            continue
        with open(os.path.join(ROOT, path), "rb") as file:
            content = file.read()
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            print(f"{path}: is not UTF-8")
            wrong += 1
            continue
        for number, line in enumerate(text.split("\n"), 1):
            for what, pattern in FORBIDDEN.items():
                if what.startswith("blanks") and path.endswith((".md", ".mcp")):
                    continue
                if re.search(pattern, line):
                    print(f"{path}:{number}: {what}: {line.strip()[:100]}")
                    wrong += 1
        if text and not text.endswith("\n"):
            print(f"{path}: does not end with a line end")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
