"""`fortium-metrics mcp`, talked to as a client does."""

import json
import socket
import subprocess
import threading
import time

from .base import BIN, DEADLINE


def tool_usage(number=0, **more):
    return {"kind": "tool_usage", "tool_name": f"Tool{number % 7}", "execution_time_ms": number % 1000,
            "status": "success", **more}


CLIENT = {"name": "claude-code", "title": "Claude Code", "version": "2.1.0", "websiteUrl": "https://example.com"}
CAPABILITIES = {"roots": {"listChanged": True}, "elicitation": {"form": {}, "url": {}}}


class Mcp:
    """A session as Claude Code opens one: standard input, output and error are Unix sockets."""

    def __init__(self, case, args, env, reading=True):
        self.case = case
        self.lines = []  # what came on standard output, as bytes
        self.errors = b""
        self._answers = {}
        self._changed = threading.Condition()
        self._next = 0
        ours, theirs = zip(*(socket.socketpair() for _ in range(3)))
        self._in, self._out, self._err = ours
        self.process = subprocess.Popen([BIN, "mcp", *args], env=env, cwd=case.home, stdin=theirs[0], stdout=theirs[1],
                                        stderr=theirs[2])
        for end in theirs:
            end.close()
        self.pid = self.process.pid
        self._threads = [threading.Thread(target=self._read_errors, daemon=True)]
        if reading:
            self._threads.append(threading.Thread(target=self._read_answers, daemon=True))
        for thread in self._threads:
            thread.start()

    def _read_answers(self):
        rest = b""
        while True:
            try:
                data = self._out.recv(1 << 16)
            except OSError:
                data = b""
            rest += data
            *lines, rest = rest.split(b"\n")
            with self._changed:
                for line in lines:
                    self.lines.append(line)
                    self._take(line)
                if not data:
                    if rest:
                        self.lines.append(rest)
                    self._answers[None] = "end"
                self._changed.notify_all()
            if not data:
                return

    def _take(self, line):
        try:
            message = json.loads(line)
        except ValueError:
            return  # told by assertClean
        for one in message if isinstance(message, list) else [message]:
            if "method" not in one:
                self._answers.setdefault(json.dumps(one.get("id")), []).append(one)

    def _read_errors(self):
        while True:
            try:
                data = self._err.recv(1 << 16)
            except OSError:
                return
            if not data:
                return
            self.errors += data

    def raw(self, data):
        self._in.sendall(data)

    def send(self, *messages):
        """All in one write, as the client does."""
        self.raw(b"".join(json.dumps({"jsonrpc": "2.0", **one}, separators=(",", ":")).encode() + b"\n"
                          for one in messages))

    def message(self, method, params=None, id=None):
        """A request with an id of its own."""
        if id is None:
            id, self._next = self._next, self._next + 1
        return {"id": id, "method": method, **({"params": params} if params is not None else {})}

    def wait(self, id, deadline=DEADLINE):
        """The answer to `id`, which must be the only one."""
        key = json.dumps(id)
        with self._changed:
            self._changed.wait_for(lambda: key in self._answers or None in self._answers, deadline)
            if key not in self._answers:
                raise AssertionError(f"no answer to {id!r}; stderr: {self.errors[-1000:]!r}")
            answers = self._answers[key]
        if len(answers) != 1:
            raise AssertionError(f"{len(answers)} answers to {id!r}: {answers}")
        return answers[0]

    def request(self, method, params=None, id=None, deadline=DEADLINE):
        message = self.message(method, params, id)
        self.send(message)
        return self.wait(message["id"], deadline)

    def result(self, method, params=None):
        answer = self.request(method, params)
        if "result" not in answer:
            raise AssertionError(f"{method}: {answer}")
        return answer["result"]

    def initialize(self, version="2025-11-25"):
        """The probe, the handshake and what follows it, in the client's order and without waiting where it does not."""
        probe = self.request("server/discover", {"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": CLIENT,
            "io.modelcontextprotocol/clientCapabilities": CAPABILITIES}}, id="server-discover-probe-1")
        hello = self.result("initialize", {"protocolVersion": version, "capabilities": CAPABILITIES,
                                           "clientInfo": CLIENT})
        self.send({"method": "notifications/initialized"})
        return probe, hello

    def call_message(self, tool, arguments, use=None):
        number = self._next
        return self.message("tools/call", {"name": tool, "arguments": arguments,
                                           "_meta": {"claudecode/toolUseId": use or f"toolu_{number:024d}",
                                                     "progressToken": number}})

    def call(self, tool, arguments=None, deadline=DEADLINE):
        message = self.call_message(tool, arguments or {})
        self.send(message)
        answer = self.wait(message["id"], deadline)
        if "result" not in answer:
            raise AssertionError(f"{tool}: {answer}")
        return answer["result"]

    def record(self, number=0, **more):
        """One tool call; its id."""
        fields = {**tool_usage(number), **more}
        del fields["kind"]
        return recorded_id(self.call("record-tool-usage", fields))

    def acknowledged(self):
        """Ids of all records acknowledged so far."""
        with self._changed:
            answers = [one for key, these in self._answers.items() if key is not None for one in these]
        ids = []
        for one in answers:
            content = one.get("result", {}).get("structuredContent", {})
            if content.get("success") is True and "id" in content:
                ids.append(content["id"])
        return ids

    def close_input(self):
        self._in.shutdown(socket.SHUT_WR)

    def wait_end(self, deadline=DEADLINE):
        """The exit code; everything the program wrote has been read then."""
        code = self.process.wait(deadline)
        for thread in self._threads:
            thread.join(deadline)
        return code

    def end(self, by=None):
        """Ends the session by end of input or a signal; the exit code and how long it took."""
        start = time.monotonic()
        if by is None:
            self.close_input()
        else:
            self.process.send_signal(by)
        self.process.wait(DEADLINE)
        took = time.monotonic() - start
        return self.wait_end(), took

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.wait_end()
        for end in (self._in, self._out, self._err):
            end.close()

    def assertClean(self, silent=True):
        """Nothing but the protocol on standard output, and nothing on standard error."""
        for line in self.lines:
            message = json.loads(line.decode("utf-8"))
            for one in message if isinstance(message, list) else [message]:
                self.case.assertEqual(one.get("jsonrpc"), "2.0", line)
                self.case.assertTrue(("result" in one) != ("error" in one) or "method" in one, line)
        if silent:
            self.case.assertEqual(self.errors, b"")


def recorded_id(result):
    if result.get("isError") or not result["structuredContent"]["success"]:
        raise AssertionError(f"not recorded: {result}")
    return result["structuredContent"]["id"]
