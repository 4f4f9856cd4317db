#!/usr/bin/python3
"""`schemas/` is the table of kinds, printed: what the program exports now is what is kept in the tree."""

import difflib
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("FORTIUM_BIN") or os.path.join(ROOT, "build", "dev", "bin", "fortium-metrics"))
# Exported by `fortium-metrics-server`, or written by hand: not this program's.
OTHERS = {"openapi.json", "postgres.sql", "service.sql"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines(keepends=True)


def main():
    if not os.path.exists(BIN):
        print(f"{BIN} is not built")
        return 1
    kept = os.path.join(ROOT, "schemas")
    with tempfile.TemporaryDirectory() as top:
        fresh = os.path.join(top, "schemas")
        subprocess.run([BIN, "schema", "export", fresh], check=True, stdout=subprocess.DEVNULL,
                       env={"HOME": top, "PATH": "/usr/bin:/bin"})
        names = sorted((set(os.listdir(fresh)) | set(os.listdir(kept))) - OTHERS)
        wrong = False
        for name in names:
            old = read(os.path.join(kept, name)) if os.path.exists(os.path.join(kept, name)) else []
            new = read(os.path.join(fresh, name)) if os.path.exists(os.path.join(fresh, name)) else []
            diff = list(difflib.unified_diff(old, new, f"schemas/{name}", f"exported {name}"))
            sys.stdout.writelines(diff[:60])
            wrong = wrong or bool(diff)
    if wrong:
        print("schemas/ is not what the program exports: run `fortium-metrics schema export schemas`, read the "
              "difference, commit it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
