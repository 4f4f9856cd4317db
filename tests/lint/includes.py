#!/usr/bin/python3
"""Who may include whom. The layers of src/README.md, checked.

- `src/<module>/` includes contracts of the modules below it, and private headers of its own.
- Only `app` and `service` may include another module's private header, and never each other's.
- Third-party headers stay behind their fence: they are slow to parse, and their exceptions and names stay there.
"""

import fnmatch
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Modules whose contracts (include/fortium/<module>/) a module may use, besides its own.
BELOW = {
    "base": [],
    "schema": ["base"],
    "metrics": ["schema", "base"],
    "sync": ["metrics", "base"],
    "report": ["metrics", "schema", "base"],
    "rpc": ["base"],
    "mcp": ["rpc", "metrics", "schema", "base"],
    "net": ["sync", "metrics", "base"],
    "store": ["sync", "metrics", "schema", "base"],
    "claude": ["metrics", "schema", "base"],
    "legacy": ["metrics", "schema", "base"],
    "app": ["claude", "legacy", "mcp", "rpc", "net", "store", "sync", "report", "metrics", "schema", "base"],
    "service": ["report", "mcp", "rpc", "net", "store", "sync", "metrics", "schema", "base"],
}
TOP = {"app", "service"}

# Third-party header -> files that may include it (patterns of paths from the root).
FENCES = {
    "sqlite3.h": ["src/store/sqlite.cpp", "src/store/wal_vfs.cpp"],
    "httplib.h": ["src/net/httplib_client.cpp", "src/net/module/*"],
    "spdlog/*": ["src/base/log.cpp"],
    "fmt/*": ["src/base/log.cpp"],
    "CLI/*": ["src/app/cli.cpp", "src/app/completion.cpp", "src/service/cli.cpp"],
    "openssl/*": ["src/base/hash.cpp", "src/base/entropy.cpp", "src/net/httplib_client.cpp", "src/net/module/*",
                  "src/service/access/rsa.cpp"],
    "argon2.h": ["src/service/access/passwords.cpp"],
    "simdjson.h": ["src/claude/module/simdjson_parser.cpp"],
    "boost/*": ["src/service/*"],
    "zlib.h": ["src/net/*", "src/service/*"],
    "libpq-fe.h": ["src/service/store/pg.cpp"],
    "nlohmann/json_fwd.hpp": ["include/*", "src/*"],
    "nlohmann/json.hpp": ["src/*", "include/fortium/rpc/message.h"],
}
# What every file may include: the standard library, and the system's own headers.
SYSTEM = re.compile(r"^(c?[a-z_]+|sys/\w+\.h|netinet/\w+\.h|arpa/inet\.h|linux/\w+\.h|"
                    r"(cxxabi|dlfcn|fcntl|fnmatch|locale|netdb|poll|pthread|pwd|sched|signal|syslog|termios|time|langinfo|unistd|wctype)\.h)$")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def sources():
    for top in ("include", "src"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith((".h", ".cpp", ".hpp")):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def module_of(path):
    parts = path.split("/")
    if parts[0] == "include":
        return parts[2] if len(parts) > 3 else None
    return parts[1] if len(parts) > 2 else None


def resolve(path, name):
    """The path from the root of what a quoted include names."""
    for base in (os.path.dirname(path), "include", "src"):
        found = os.path.normpath(os.path.join(base, name))
        if os.path.isfile(os.path.join(ROOT, found)):
            return found
    return None


def complaint(path, quoted, name):
    """What is wrong with one include, or None."""
    module = module_of(path)
    found = resolve(path, name) if quoted or name.startswith("fortium/") else None
    if found is None:
        if quoted:
            return "is not in the tree"
        for pattern, allowed in FENCES.items():
            if fnmatch.fnmatch(name, pattern):
                if any(fnmatch.fnmatch(path, one) for one in allowed):
                    return None
                return "may be included only by " + ", ".join(allowed)
        return None if SYSTEM.match(name) else "is a third-party header without a fence"
    other = module_of(found)
    public = found.startswith("include/")
    if other == module and (public or not path.startswith("include/")):
        return None
    if path.startswith("include/") and not public:
        return "is private, and this header is public"
    if other in TOP:
        return f"belongs to {other}, which nobody includes"
    if other not in BELOW.get(module, []):
        return f"belongs to {other}, which {module} may not use"
    if not public and module not in TOP:
        return f"is private to {other}"
    return None


def main():
    wrong = 0
    modules = {name for name in os.listdir(os.path.join(ROOT, "src")) if os.path.isdir(os.path.join(ROOT, "src", name))}
    for name in sorted(modules - set(BELOW)):
        print(f"src/{name}: a module without a layer; give it one in tests/lint/includes.py")
        wrong += 1
    for path in sources():
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                match = INCLUDE.match(line)
                if match and (why := complaint(path, match[1] == '"', match[2])):
                    print(f"{path}:{number}: {match[2]} {why}")
                    wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
