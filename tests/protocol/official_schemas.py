#!/usr/bin/env python3
"""Holds every message of every transcript against the official schema of its revision of MCP.

official_schemas.py SCHEMAS RUNNER TRANSCRIPTS: SCHEMAS is a directory with <revision>.json as published in the MCP
repository (schema/<revision>/schema.json); it is no part of this repository. Where it is not there, nothing is checked:
that is said, and the exit code is 77 (skipped).

What is checked: every line of the server (as JSON-RPC message, and its result as that of the method), and every line that
a client sends in a transcript that is not marked `inputs: wrong on purpose`.
Known contradiction of the specification, left out: an error with "id": null, which JSON-RPC demands and the schemas up to
2025-06-18 do not know.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]
STATELESS = "2026-07-28"
# What each method's request and result are called.
METHODS = {
    "initialize": ("InitializeRequest", "InitializeResult"), "ping": ("PingRequest", "EmptyResult"),
    "server/discover": ("DiscoverRequest", "DiscoverResult"),
    "tools/list": ("ListToolsRequest", "ListToolsResult"), "tools/call": ("CallToolRequest", "CallToolResult"),
    "resources/list": ("ListResourcesRequest", "ListResourcesResult"),
    "resources/templates/list": ("ListResourceTemplatesRequest", "ListResourceTemplatesResult"),
    "resources/read": ("ReadResourceRequest", "ReadResourceResult"),
    "resources/subscribe": ("SubscribeRequest", "EmptyResult"),
    "resources/unsubscribe": ("UnsubscribeRequest", "EmptyResult"),
    "subscriptions/listen": ("SubscriptionsListenRequest", "SubscriptionsListenResult"),
    "prompts/list": ("ListPromptsRequest", "ListPromptsResult"), "prompts/get": ("GetPromptRequest", "GetPromptResult"),
    "completion/complete": ("CompleteRequest", "CompleteResult"),
    "logging/setLevel": ("SetLevelRequest", "EmptyResult"),
    "roots/list": ("ListRootsRequest", "ListRootsResult"),
}
NOTIFICATIONS = {
    "notifications/initialized": "InitializedNotification", "notifications/cancelled": "CancelledNotification",
    "notifications/progress": "ProgressNotification", "notifications/message": "LoggingMessageNotification",
    "notifications/roots/list_changed": "RootsListChangedNotification",
    "notifications/resources/updated": "ResourceUpdatedNotification",
    "notifications/subscriptions/acknowledged": "SubscriptionsAcknowledgedNotification",
}
# Errors that 2026-07-28 gives a form of their own.
ERRORS = {-32022: "UnsupportedProtocolVersionError"}
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
        elif keyword == "maxItems":
            if isinstance(value, list) and len(value) > wants:
                yield f"{where}: has {len(value)} items, more than {wants}"
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

    def definitions(self, revision):
        return self.roots[revision].get("$defs") or self.roots[revision]["definitions"]

    def check(self, where, revision, name, message):
        self.checked += 1
        for problem in problems(self.definitions(revision)[name], message, self.roots[revision]):
            self.failures.append(f"{where}: {revision} {name}: {problem}")

    def said(self, where, revision, message, asked):
        """A line of the server: an answer, or what it says by itself."""
        if isinstance(message, list):
            if revision == "2025-03-26":
                self.check(where, revision, "JSONRPCBatchResponse", [one for one in message if one.get("id") is not None])
            for one in message:
                self.said(where, revision, one, asked)
            return
        if "method" in message:
            self.unasked(where, revision, message)
            return
        request = asked.get(json.dumps(message.get("id"), ensure_ascii=False), {})
        revision = revision_of(request, revision)
        newer = revision >= "2025-11-25"
        if "error" in message:
            if message.get("id", 0) is None:
                if newer:
                    self.failures.append(f"{where}: an error of {revision} has the id null")
                return
            self.check(where, revision, "JSONRPCErrorResponse" if newer else "JSONRPCError", message)
            code = message["error"]["code"]
            if revision == STATELESS and code in ERRORS:
                self.check(where, revision, ERRORS[code], message)
            if revision == STATELESS and -32099 <= code <= -32000 and code not in ERRORS:
                self.failures.append(f"{where}: {revision} does not define {code}")
            return
        self.check(where, revision, "JSONRPCResultResponse" if newer else "JSONRPCResponse", message)
        self.check(where, revision, METHODS[request["method"]][1], message["result"])

    def unasked(self, where, revision, message):
        if "id" in message:
            self.check(where, revision, METHODS[message["method"]][0], message)
            return
        # A session may hold an open request of the other era; its notifications name it.
        meta = message.get("params", {}).get("_meta", {})
        if "io.modelcontextprotocol/subscriptionId" in meta:
            revision = STATELESS
        self.check(where, revision, NOTIFICATIONS[message["method"]], message)

    def question(self, where, revision, line, refused):
        message = json.loads(line)
        for one in message if isinstance(message, list) else [message]:
            method = one.get("method")
            if method is None:
                continue  # an answer
            if "id" not in one:
                name = NOTIFICATIONS.get(method)
                if name in self.definitions(revision):
                    self.check(where, revision, name, one)
            elif json.dumps(one["id"]) not in refused and method in METHODS:
                self.check(where, revision_of(one, revision), METHODS[method][0], one)


def revision_of(request, session):
    """A request that names its revision is of it."""
    params = request.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    return STATELESS if isinstance(meta, dict) and "io.modelcontextprotocol/protocolVersion" in meta else session


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
            # Without a session either nobody names a revision, which is answered in the form that the older ones share, or
            # everybody does.
            out = [json.loads(answer) for answer in exchange["out"]]
            alone = any("method" in one or one.get("id", "") == "" for one in out if isinstance(one, dict))
            revision = exchange["revision"] or (STATELESS if alone else "2025-06-18")
            asked = {json.dumps(request["id"], ensure_ascii=False): request for request in exchange["asked"].values()}
            for answer in out:
                judge.said(where, revision, answer, asked)
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
