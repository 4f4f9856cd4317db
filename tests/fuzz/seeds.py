#!/usr/bin/env python3
"""Makes the fuzzers' first inputs: seeds.py OUT-DIR, with OUT-DIR/<target>/ for each target.

`line` gets each transcript as a session, `check` each recorded argument object of a transcript, and `receipt`, `config`
and `hook` what is written here.
"""

import hashlib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
KINDS = {
    "record-command-execution": 0, "collect_metrics": 0, "record-tool-usage": 1, "record-agent-interaction": 2,
    "record-session-update": 3, "record-productivity-metric": 4, "record-model-usage": 5,
}


def put(directory, data):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def bytes_of(line):
    """The bytes of a `>` line, or None for one that stands for a line too long to keep."""
    if line.startswith(b">+ "):
        return None
    if line.startswith(b">\\ "):
        text = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), line[3:])
        return text.replace(b"\\\\", b"\\")
    return line[2:] if line.startswith(b"> ") else line[1:]


def handshake(revision):
    return [json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}},
        separators=(",", ":")).encode()]


def session_of(text):
    """A transcript's lines: an empty line ends a group."""
    groups, lines = [], text.split(b"\n")
    for line in lines:
        if line.startswith(b"session: "):
            groups.append(handshake(line[9:].decode().strip()))
    at = 0
    while at < len(lines):
        run = []
        while at < len(lines) and lines[at].startswith(b">"):
            data = bytes_of(lines[at])
            if data:
                run.append(data)
            at += 1
        if at < len(lines) and lines[at].startswith(b"! meanwhile: "):
            groups.append([b"\x01" + lines[at][13:]])
        elif at < len(lines) and lines[at].startswith(b"@ "):
            groups.append([b"\x02"])
        if run and at < len(lines) and lines[at] == b"|":
            groups.append(run)
        else:
            groups.extend([line] for line in run)
        at += 1
    return groups


def arguments_of(groups):
    for group in groups:
        for line in group:
            try:
                message = json.loads(line)
                params = message["params"]
                yield params["name"], params["arguments"]
            except (ValueError, KeyError, TypeError):
                pass


def main():
    out = pathlib.Path(sys.argv[1])
    for transcript in sorted((HERE.parent / "protocol").glob("*.mcp")):
        groups = session_of(transcript.read_bytes())
        put(out / "line", b"\n\n".join(b"\n".join(group) for group in groups) + b"\n")
        for tool, arguments in arguments_of(groups):
            kind = KINDS.get(tool) if isinstance(tool, str) else None
            if kind is not None:
                put(out / "check", bytes([kind]) + json.dumps(arguments).encode())

    results = [{"id": name, "status": status} for name, status in
               (("a", "accepted"), ("b", "duplicate"), ("c", "retry"))]
    refused = [{"index": 0, "status": "rejected", "code": "invalid", "message": "tool_name: is required"}]
    for body in (
            {"success": True, "batch_id": "batch-1", "results": results,
             "limits": {"max_batch_records": 1000, "max_body_bytes": 10485760}},
            {"success": True, "batch_id": "batch-1", "results": refused + results},
            {"success": True, "data": {"command_executions": 1, "tool_usages": 1, "model_usages": 1}},
            {"success": False, "message": "Database temporarily unavailable", "retry_after": 30},
            {"success": False, "errors": [{"field": "tool_name", "message": "is required"}]},
            {"error": {"message": "no"}}):
        for status in (200, 202, 400, 413, 429, 503):
            for after in (b"", b"120", b"Fri, 02 Jan 2026 03:04:05 GMT"):
                put(out / "receipt", status.to_bytes(2, "big") + after + b"\n" + json.dumps(body).encode())

    common = {"session_id": "s", "cwd": "/w/shop", "prompt_id": "p", "agent_id": "a", "agent_type": "x",
              "tool_use_id": "t", "duration_ms": 5, "reason": "other", "source": "startup", "trigger": "auto",
              "prompt": "/plan now", "error": "Exit code 3", "command_name": "plan", "permission_mode": "plan",
              "tool_input": {"command": "git push", "file_path": "/w/a.py", "skill": "review", "token": "x"},
              "tool_response": {"status": "completed", "agentId": "a", "structuredPatch": [{"lines": ["+a", "-b"]}],
                                "deep": [[[[[[[[[[[[[["\ud83d"]]]]]]]]]]]]]], "long": "x" * 5000}}
    for event in ("SessionStart", "SessionEnd", "UserPromptSubmit", "UserPromptExpansion", "PreToolUse", "PostToolUse",
                  "PostToolUseFailure", "PermissionRequest", "PermissionDenied", "SubagentStart", "SubagentStop",
                  "Stop", "StopFailure", "PreCompact", "PostCompact", "Other"):
        for tool in ("Bash", "Skill", "Agent"):
            text = json.dumps({"hook_event_name": event, "tool_name": tool, **common}).encode()
            put(out / "hook", bytes([len(text) % 251]) + text)

    for text in (b"=\n", b"org_id=acme\nurl = \"https://metrics.example.com\"\nbatch_size = 20\n",
                 b"org_id=a \"b\" \\c\n# mine\norg_id = 'old' # comment\n\n[privacy]\npaths = true\n",
                 b"org_id=1_000\r\nmode = hybrid\r\norg_id=\n", b"org_id=\n[x]\norg_id = 1\n[[y]]\nz"):
        put(out / "config", text)


if __name__ == "__main__":
    main()
