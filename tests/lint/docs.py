#!/usr/bin/python3
"""The README tells the truth.

- Blocks that open with "```sh" are executed, in their order and in one empty home, with the built programs first on
  PATH; what is only to be read opens with "```" alone. A block that fails is shown.
- The table of settings (its first column is titled "key" or "setting") names exactly the settings there are.
- Every command that a page names exists.
"""

import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("FORTIUM_BIN") or os.path.join(ROOT, "build", "dev", "bin", "fortium-metrics"))
SERVER = os.path.abspath(os.environ.get("FORTIUM_SERVER_BIN") or os.path.join(os.path.dirname(BIN),
                                                                             "fortium-metrics-server"))
MOST_SECONDS = 120
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.M | re.S)
SPAN = re.compile(r"`([^`\n]+)`")


def pages():
    listed = ["README.md", *sorted(glob.glob("docs/*.md", root_dir=ROOT)), *sorted(glob.glob("examples/*.md",
                                                                                              root_dir=ROOT))]
    return [page for page in listed if os.path.exists(os.path.join(ROOT, page))]


def environment(home):
    return {"HOME": home, "PATH": os.path.dirname(BIN) + ":/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


def run_blocks(page, text):
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="fortium-docs-") as home:
        for language, code in BLOCK.findall(text):
            if language != "sh":
                continue
            if "fortium-metrics-server" in code and not os.path.exists(SERVER):
                print(f"{page}: skipped a block, as the service is not built")
                continue
            # A session of its own, so that what a block leaves in the background ends with it.
            process = subprocess.Popen(["sh", "-euc", code], cwd=home, env=environment(home), start_new_session=True,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            try:
                out = process.communicate(timeout=MOST_SECONDS)[0]
            except subprocess.TimeoutExpired:
                out = f"not done within {MOST_SECONDS} s".encode()
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            if process.wait() != 0:
                print(f"{page}: this block fails with {process.returncode}:\n{code}--\n{out.decode(errors='replace')}")
                wrong += 1
    return wrong


def ask(*args):
    with tempfile.TemporaryDirectory() as home:
        return subprocess.run(args, env=environment(home), cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, check=False).stdout.decode()


def settings_told(text):
    """Names in the first column of the table of settings."""
    names, inside = [], False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.lstrip().startswith("|") else []
        if not cells:
            inside = False
        elif cells[0].lower() in ("key", "setting"):
            inside = True
        elif inside and (match := re.match(r"`([a-z_.]+)`", cells[0])):
            names.append(match[1])
    return names


def check_settings(page, text):
    told = settings_told(text)
    if not told:
        print(f"{page}: no table of settings (its first column is titled key or setting)")
        return 1
    real = set(json.loads(ask(BIN, "config", "show", "--json"))) - {"data_dir", "config"}
    wrong = 0
    for name in sorted(real - set(told)):
        print(f"{page}: the setting {name} is not in the table")
        wrong += 1
    for name in sorted(set(told) - real):
        print(f"{page}: there is no setting {name}")
        wrong += 1
    return wrong


def commands_of(program, *above):
    """{("queue", "list"), …}: what --help lists."""
    found = set()
    listed = ask(program, *above, "--help").split("Subcommands:\n")
    for line in (listed[1].split("\n\n")[0].splitlines() if len(listed) > 1 else []):
        if match := re.match(r"  ([a-z][a-z-]*)(\s|$)", line):
            found |= {(*above, match[1])} | commands_of(program, *above, match[1])
    return found


def check_commands(page, text):
    code = [block[1] for block in BLOCK.findall(text)] + SPAN.findall(BLOCK.sub("", text))
    wrong = 0
    known = {"fortium-metrics": commands_of(BIN)}
    if os.path.exists(SERVER):
        known["fortium-metrics-server"] = commands_of(SERVER)
    for piece in code:
        for line in piece.splitlines():
            line = line.split("#")[0]
            for program, one, two in re.findall(r"(?:^|[\s;&|(])(fortium-metrics(?:-server)?) +([a-z][a-z-]*)"
                                                r"(?: +([a-z][a-z-]*))?", line):
                if program not in known:
                    continue
                if (one,) not in known[program]:
                    print(f"{page}: {program} has no command {one}: {line.strip()}")
                    wrong += 1
                elif two and any(len(path) == 2 and path[0] == one for path in known[program]) and \
                        (one, two) not in known[program]:
                    print(f"{page}: {program} {one} has no command {two}: {line.strip()}")
                    wrong += 1
    return wrong


def main():
    if not os.path.exists(BIN):
        print(f"{BIN} is not built")
        return 1
    wrong = 0
    if "README.md" not in pages():
        print("README.md is not there")
        wrong += 1
    for page in pages():
        with open(os.path.join(ROOT, page), encoding="utf-8") as file:
            text = file.read()
        if page == "README.md":
            wrong += check_settings(page, text)
        wrong += check_commands(page, text)
        wrong += run_blocks(page, text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
