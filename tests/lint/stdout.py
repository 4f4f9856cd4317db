#!/usr/bin/python3
"""Nothing below the two programs writes to standard output or standard error: one is the protocol, the other is stored
by the client whole. What is to be said goes through log.h."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODULES = ("base", "schema", "metrics", "sync", "rpc", "mcp", "net", "store", "report")
WRITES = re.compile(r"\bstd::(cout|cerr|clog|wcout|wcerr)\b|(?<![\w:.])(?:std::|::)?(v?f?printf|puts|fputs|fputc|putchar|putc|"
                    r"perror|fwrite)\s*\(|\bSTD(OUT|ERR)_FILENO\b|(?<![\w:.])std(out|err)\b|<iostream>")
# The guard that keeps file descriptor 1 for the protocol, and the log's own sink.
ALLOWED = {
    ("src/rpc/fd_channel.cpp", "STDOUT_FILENO"), ("src/rpc/fd_channel.cpp", "STDERR_FILENO"),
}


def without_text(line, state):
    """The line without comments and string literals. `state` tells whether a block comment is open."""
    out, i = "", 0
    while i < len(line):
        if state:
            end = line.find("*/", i)
            if end < 0:
                return out, True
            i, state = end + 2, False
        elif line.startswith("//", i):
            break
        elif line.startswith("/*", i):
            state, i = True, i + 2
        elif line[i] == '"':
            i += 1
            while i < len(line) and line[i] != '"':
                i += 2 if line[i] == "\\" else 1
            out, i = out + '""', i + 1
        else:
            out, i = out + line[i], i + 1
    return out, state


def main():
    wrong = 0
    for module in MODULES:
        for folder, _, names in os.walk(os.path.join(ROOT, "src", module)):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), ROOT)
                if not name.endswith((".cpp", ".h")):
                    continue
                comment = False
                with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                    for number, line in enumerate(file, 1):
                        code, comment = without_text(line, comment)
                        for match in WRITES.finditer(code):
                            if (path, match[0]) not in ALLOWED:
                                print(f"{path}:{number}: {match[0].strip('( ')}: only src/app and src/service may "
                                      "write to standard output or error")
                                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
