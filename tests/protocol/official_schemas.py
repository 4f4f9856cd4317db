#!/usr/bin/env python3
"""Holds every message of every transcript against the official schema of its revision of MCP.

official_schemas.py SCHEMAS RUNNER TRANSCRIPTS: SCHEMAS is a directory with <revision>.json as published in the MCP
repository (schema/<revision>/schema.json); it is no part of this repository. Where it is not there, nothing is checked:
that is said, and the exit code is 77 (skipped).

What is checked: every answer of the server (as JSON-RPC answer, and its result as that of the method), and every line
that a client sends in a transcript that is not marked `inputs: wrong on purpose`.
Known contradiction of the specification, left out: an error with "id": null, which JSON-RPC demands and the schemas up to
2025-06-18 do not know.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
RESULTS = {
    "initialize": "InitializeResult", "ping": "EmptyResult", "tools/list": "ListToolsResult",
    "tools/call": "CallToolResult", "resources/list": "ListResourcesResult",
    "resources/templates/list": "ListResourceTemplatesResult", "resources/read": "ReadResourceResult",
    "prompts/list": "ListPromptsResult", "prompts/get": "GetPromptResult",
}
REQUESTS = {
    "initialize": "InitializeRequest", "ping": "PingRequest", "tools/list": "ListToolsRequest",
    "tools/call": "CallToolRequest", "resources/list": "ListResourcesRequest",
    "resources/templates/list": "ListResourceTemplatesRequest", "resources/read": "ReadResourceRequest",
    "prompts/list": "ListPromptsRequest", "prompts/get": "GetPromptRequest",
}
NOTIFICATIONS = {
    "notifications/initialized": "InitializedNotification", "notifications/cancelled": "CancelledNotification",
    "notifications/progress": "ProgressNotification", "notifications/roots/list_changed": "RootsListChangedNotification",
}
TYPES = {
    "object": lambda v: isinstance(v, dict), "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str), "boolean": lambda v: isinstance(v, bool), "null": lambda v: v is None,
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "integer": lambda v: (isinstance(v, int) and not isinstance(v, bool)) or (isinstance(v, float) and v.is_integer()),
}
# What is said by these is not about what is valid, or (format) is not asserted by default.
SILENT = {"$schema", "$comment", "description", "title", "default", "format", "examples", "deprecated", "$defs",
          "definitions"}


def problems(schema, value, root, where=""):
    """What is wrong with the value: the keywords that the official schemas use, and no other."""
    if schema is True:
        return
    for keyword, wants in schema.items():
        if keyword in SILENT:
            continue
        if keyword == "$ref":
            target = root
            for step in wants.lstrip("#/").split("/"):
                target = target[step]
            yield from problems(target, value, root, where)
        elif keyword == "type":
            if not any(TYPES[one](value) for one in (wants if isinstance(wants, list) else [wants])):
                yield f"{where or '/'}: is no {wants}"
        elif keyword == "const":
            if value != wants:
                yield f"{where or '/'}: is not {wants!r}"
        elif keyword == "enum":
            if value not in wants:
                yield f"{where or '/'}: is none of {wants}"
        elif keyword == "anyOf":
            tries = [list(problems(one, value, root, where)) for one in wants]
            if all(tries):
                yield min(tries, key=len)[0] + " (and no other form fits)"
        elif keyword == "allOf":
            for one in wants:
                yield from problems(one, value, root, where)
        elif keyword in ("minimum", "maximum"):
            if TYPES["number"](value) and (value < wants if keyword == "minimum" else value > wants):
                yield f"{where}: is beyond its {keyword} {wants}"
        elif keyword == "required":
            if isinstance(value, dict):
                yield from (f"{where}/{name}: is missing" for name in wants if name not in value)
        elif keyword == "properties":
            if isinstance(value, dict):
                for name, one in wants.items():
                    if name in value:
                        yield from problems(one, value[name], root, f"{where}/{name}")
        elif keyword == "additionalProperties":
            if isinstance(value, dict):
                for name in value.keys() - schema.get("properties", {}).keys():
                    if wants is False:
                        yield f"{where}/{name}: is not known"
                    else:
                        yield from problems(wants, value[name], root, f"{where}/{name}")
        elif keyword == "items":
            if isinstance(value, list):
                for index, item in enumerate(value):
                    yield from problems(wants, item, root, f"{where}/{index}")
        else:
            raise NotImplementedError(f"keyword {keyword}")


class Judge:
    def __init__(self, schemas):
        self.roots = {name: json.load(open(os.path.join(schemas, name + ".json"))) for name in REVISIONS}
        self.checked = 0
        self.failures = []

    def check(self, where, revision, name, message):
        root = self.roots[revision]
        definitions = root.get("$defs") or root["definitions"]
        self.checked += 1
        for problem in problems(definitions[name], message, root):
            self.failures.append(f"{where}: {revision} {name}: {problem}")

    def answer(self, where, revision, message, asked):
        if isinstance(message, list):
            if revision == "2025-03-26":
                self.check(where, revision, "JSONRPCBatchResponse", [one for one in message if one.get("id") is not None])
            for one in message:
                self.answer(where, revision, one, asked)
            return
        newest = revision == "2025-11-25"
        if "error" in message:
            if message.get("id", 0) is None:
                if newest:
                    self.failures.append(f"{where}: an error of {revision} has the id null")
                return
            self.check(where, revision, "JSONRPCErrorResponse" if newest else "JSONRPCError", message)
            return
        self.check(where, revision, "JSONRPCResultResponse" if newest else "JSONRPCResponse", message)
        method = asked[json.dumps(message["id"], ensure_ascii=False)]["method"]
        self.check(where, revision, RESULTS[method], message["result"])

    def question(self, where, revision, line, refused):
        message = json.loads(line)
        for one in message if isinstance(message, list) else [message]:
            method = one["method"]
            if "id" not in one:
                if method in NOTIFICATIONS:
                    self.check(where, revision, NOTIFICATIONS[method], one)
            elif json.dumps(one["id"]) not in refused and method in REQUESTS:
                self.check(where, revision, REQUESTS[method], one)


def main():
    schemas, runner, transcripts = sys.argv[1:4]
    if not os.path.isdir(schemas):
        print(f"NOT RUN: the official schemas are not at hand ({schemas}); no message was checked against them")
        return 77
    judge = Judge(schemas)
    with tempfile.TemporaryDirectory() as directory:
        messages = os.path.join(directory, "messages")
        subprocess.run([runner, "--messages", messages, transcripts], stdout=subprocess.DEVNULL, check=False)
        for line in open(messages, encoding="utf-8"):
            exchange = json.loads(line)
            where = exchange["where"]
            # What comes before initialize has the form that all revisions but the newest share.
            revision = exchange["revision"] or "2025-06-18"
            out = [json.loads(answer) for answer in exchange["out"]]
            asked = {json.dumps(request["id"], ensure_ascii=False): request for request in exchange["asked"].values()}
            for answer in out:
                judge.answer(where, revision, answer, asked)
            errors = {json.dumps(one.get("id")) for answer in out
                      for one in (answer if isinstance(answer, list) else [answer]) if "error" in one}
            for sent in exchange["in"]:
                judge.question(where, revision, sent, errors)
    for failure in judge.failures:
        print(re.sub(r"\s+", " ", failure)[:400])
    print(f"{judge.checked} messages and parts checked, {len(judge.failures)} failures")
    return 1 if judge.failures or judge.checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
