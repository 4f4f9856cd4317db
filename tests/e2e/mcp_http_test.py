#!/usr/bin/python3
"""The model context protocol over HTTP and WebSocket, against the real service: streams, sessions, restarts.

Run: FORTIUM_SERVER_BIN=…/fortium-metrics-server python3 tests/e2e/mcp_http_test.py
"""

import base64
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import struct
import sys
import unittest

import support
from support import DEADLINE, until

BOTH = "application/json, text/event-stream"


def message(method, params=None, id=1):
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}}


def hello(revision="2025-11-25"):
    return message("initialize", {"protocolVersion": revision, "capabilities": {},
                                  "clientInfo": {"name": "test", "version": "1"}})


def call(tool, arguments, id=1, **meta):
    params = {"name": tool, "arguments": arguments}
    if meta:
        params["_meta"] = meta
    return message("tools/call", params, id)


def usage(number=0):
    return call("record-command-execution", {"command_name": f"/c{number}", "execution_time_ms": 4, "status": "success"})


def alone(method, **params):
    return message(method, {**params, "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                                                "io.modelcontextprotocol/clientCapabilities": {}}})


class Client:
    """Streamable HTTP, one connection a request."""

    def __init__(self, port, key):
        self.port, self.key, self.session = port, key, None

    def headers(self, **more):
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", "Accept": BOTH}
        if self.session:
            headers["Mcp-Session-Id"] = self.session
        headers.update({name.replace("_", "-"): value for name, value in more.items()})
        return headers

    def ask(self, method, path="/mcp", body=None, **more):
        """(status, body as JSON, headers)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), self.headers(**more))
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None, answer.headers
        finally:
            connection.close()

    def begin(self, revision="2025-11-25"):
        self.session = None
        status, answer, headers = self.ask("POST", body=hello(revision))
        if status != 200:
            raise AssertionError(f"initialize: {status} {answer}")
        self.session = headers["Mcp-Session-Id"]
        return answer["result"]

    def post(self, body, **more):
        return self.ask("POST", body=body, **more)


class Events:
    """An event stream that stays open."""

    def __init__(self, case, client, method="GET", body=None, **more):
        self.connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=DEADLINE)
        case.ends_with(self.connection.close)
        headers = client.headers(Accept="text/event-stream", **more)
        self.connection.request(method, "/mcp", None if body is None else json.dumps(body), headers)
        self.answer = self.connection.getresponse()

    def next(self):
        """The next message; None at the end of the stream."""
        data = ""
        while line := self.answer.readline().decode():
            if line.startswith("data: "):
                data += line[6:].strip()
            elif not line.strip() and data:
                return json.loads(data)
        return None


class WebSocket:
    """RFC 6455, the part of it that a client of one line of text needs."""

    def __init__(self, case, port, key, path="/mcp/ws"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        case.ends_with(self.socket.close)
        nonce = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\n"
                             "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        self.stream = self.socket.makefile("rb")
        self.status = int(self.stream.readline().split()[1])
        headers = dict(line.decode().strip().split(": ", 1) for line in iter(self.stream.readline, b"\r\n"))
        proof = hashlib.sha1((nonce + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        self.proven = headers.get("Sec-WebSocket-Accept") == base64.b64encode(proof).decode()

    def send(self, *messages, opcode=1):
        for one in messages:
            data = one if isinstance(one, bytes) else json.dumps(one).encode()
            mask = os.urandom(4)
            size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data)) \
                if len(data) < 65536 else b"\xff" + struct.pack(">Q", len(data))
            self.socket.sendall(bytes([0x80 | opcode]) + size + mask +
                                bytes(byte ^ mask[place % 4] for place, byte in enumerate(data)))

    def next(self):
        """The next message; the code of the close, when it comes; None where the connection just ended."""
        while head := self.stream.read(2):
            size = head[1] & 0x7F
            if size == 126:
                size = struct.unpack(">H", self.stream.read(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.stream.read(8))[0]
            data = self.stream.read(size)
            if head[0] & 0xF == 1:
                return json.loads(data)
            if head[0] & 0xF == 8:
                return struct.unpack(">H", data[:2])[0]
        return None


@unittest.skipUnless(support.Service.built(), f"{support.SERVER_BIN} is not built")
class McpCase(support.Case):
    def service(self, **variables):
        return support.Service(self, **variables)

    def client(self, service, key=None):
        return Client(service.port, key or service.key)


class Sessions(McpCase):
    def test_a_session_of_every_revision(self):
        service = self.service()
        for revision in ("2025-03-26", "2025-06-18", "2025-11-25"):
            client = self.client(service)
            self.assertEqual(client.begin(revision)["protocolVersion"], revision)
            self.assertEqual(client.post({"jsonrpc": "2.0", "method": "notifications/initialized"})[0], 202)
            status, answer, _ = client.post(usage(), MCP_Protocol_Version=revision)
            self.assertEqual((status, answer["result"]["isError"]), (200, False))
        self.assertEqual(sum(count for count, _ in service.ledger().values()), 3)

    def test_any_process_goes_on_with_a_session_also_after_a_restart(self):
        service = self.service()
        other = service.another()
        client = self.client(service)
        client.begin()
        self.assertEqual(client.post(message("resources/subscribe", {"uri": "metrics://dashboard/current"}))[0], 200)
        elsewhere = self.client(other)
        elsewhere.session = client.session
        self.assertEqual(elsewhere.post(usage())[1]["result"]["isError"], False)
        # What was subscribed to at one is heard at the other.
        events = Events(self, elsewhere)
        self.assertEqual(events.next()["params"]["uri"], "metrics://dashboard/current")
        service.stop()
        service.serve()
        self.assertEqual(client.post(message("tools/list"))[0], 200)
        self.assertEqual(elsewhere.ask("DELETE")[0], 204)
        self.assertEqual(client.post(message("tools/list"))[0], 404)
        self.assertIsNone(events.next())
        other.stop()

    def test_a_stream_hears_and_ends_with_its_key(self):
        service = self.service()
        made = service.tell("key", "create", "--tenant", "acme", "--scope", "ingest,read")
        client = self.client(service, made["key"])
        client.begin()
        events = Events(self, client)
        self.assertEqual(events.answer.headers["Content-Type"], "text/event-stream")
        client.post(message("resources/subscribe", {"uri": "metrics://dashboard/current"}))
        client.post(usage())
        self.assertEqual(events.next()["method"], "notifications/resources/updated")
        service.tell("key", "revoke", made["id"])
        self.assertIsNone(events.next())

    def test_progress_is_an_event_stream_and_the_answer_its_last(self):
        service = self.service()
        client = self.client(service)
        client.begin()
        events = Events(self, client, "POST", call("query_dashboard", {"timeframe": "24h"}, progressToken="p"))
        while (said := events.next()) and "result" not in said:
            self.assertEqual(said["method"], "notifications/progress")
        self.assertEqual(said["result"]["isError"], False)
        self.assertIsNone(events.next())

    def test_a_subscription_of_the_newest_revision(self):
        service = self.service()
        client = self.client(service)
        listen = alone("subscriptions/listen", notifications={"resourceSubscriptions": ["metrics://dashboard/current"]})
        events = Events(self, client, "POST", listen, MCP_Protocol_Version="2026-07-28", Mcp_Method="subscriptions/listen")
        self.assertEqual(events.next()["method"], "notifications/subscriptions/acknowledged")
        client.ask("POST", "/mcp/v1/request", usage())
        told = events.next()
        self.assertEqual(told["method"], "notifications/resources/updated")
        self.assertEqual(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1)
        service.process.send_signal(signal.SIGTERM)
        self.assertEqual(events.next()["result"]["resultType"], "complete")
        self.assertIsNone(events.next())
        self.assertEqual(service.process.wait(DEADLINE), 0)

    def test_events_for_who_knows_no_chunks_and_for_who_wants_the_head(self):
        service = self.service()
        client = self.client(service)
        client.begin()
        body = json.dumps(message("ping"))
        head = (f"Host: x\r\nAuthorization: Bearer {service.key}\r\nMcp-Session-Id: {client.session}\r\n"
                "Accept: text/event-stream\r\n")
        with socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE) as connection:
            connection.sendall(f"POST /mcp HTTP/1.0\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        self.assertNotIn(b"chunked", answer)
        self.assertTrue(answer.endswith(b'\r\n\r\nevent: message\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n'), answer)
        self.assertEqual(client.ask("HEAD", Accept="text/event-stream")[:2], (200, None))

    def test_organizations_share_nothing(self):
        service = self.service()
        ours, theirs = self.client(service), self.client(service, service.add_organization("other"))
        ours.begin()
        ours.post(usage())
        theirs.session = ours.session
        self.assertEqual(theirs.post(message("tools/list"))[0], 404)
        self.assertEqual(theirs.ask("DELETE")[0], 404)
        theirs.begin()
        answer = theirs.post(message("resources/read", {"uri": "metrics://dashboard/current"}))[1]
        self.assertEqual(json.loads(answer["result"]["contents"][0]["text"])["command_count"], 0)
        listed = {row["uri"] for row in ours.post(message("resources/list"))[1]["result"]["resources"]}
        for uri in {row["uri"] for row in theirs.post(message("resources/list"))[1]["result"]["resources"]} - listed:
            self.assertEqual(ours.post(message("resources/read", {"uri": uri}))[1]["error"]["code"], -32002)

    def test_no_session_and_no_record_is_in_the_log(self):
        service = self.service(FORTIUM_SERVER_LOG="debug")
        client = self.client(service)
        client.begin()
        client.post(usage(4711))
        service.process.terminate()
        service.process.wait(DEADLINE)
        logs = [name for name in os.listdir(self.top) if name.endswith(".log")]
        said = ""
        for name in logs:
            with open(os.path.join(self.top, name)) as file:
                said += file.read()
        self.assertIn("POST /mcp 200", said)
        for secret in (client.session, "c4711", service.key):
            self.assertNotIn(secret, said)
        if not support.ON_POSTGRES:
            with open(os.path.join(service.data, "sessions.db"), "rb") as file:
                self.assertNotIn(client.session.encode(), file.read())


class WebSockets(McpCase):
    def test_lines_both_ways(self):
        service = self.service()
        web = WebSocket(self, service.port, service.key)
        self.assertEqual((web.status, web.proven), (101, True))
        web.send(hello(), {"jsonrpc": "2.0", "method": "notifications/initialized"}, usage(), message("ping", id="p"))
        self.assertEqual(web.next()["result"]["protocolVersion"], "2025-11-25")
        self.assertEqual(web.next()["result"]["isError"], False)
        self.assertEqual(web.next(), {"jsonrpc": "2.0", "id": "p", "result": {}})
        web.send(message("resources/subscribe", {"uri": "metrics://dashboard/current"}))
        self.assertEqual(web.next()["result"], {})
        self.client(service).ask("POST", "/mcp/v1/request", usage())
        self.assertEqual(web.next()["method"], "notifications/resources/updated")
        self.assertEqual(sum(count for count, _ in service.ledger().values()), 2)
        web.send(b"\x03\xe8", opcode=8)
        self.assertEqual(web.next(), 1000)

    def test_a_large_message_and_one_too_large(self):
        service = self.service()
        web = WebSocket(self, service.port, service.key, "/api/mcp/ws")
        web.send(hello())
        web.next()
        web.send(call("record-tool-usage", {"tool_name": "x" * 300_000, "execution_time_ms": 1, "status": "success"}))
        self.assertEqual(web.next()["result"]["isError"], True)
        try:
            web.send(b"[" + b" " * (4 << 20))
            code = web.next()
        except OSError:
            code = None  # it was cut while we still sent
        self.assertIn(code, (1009, None))
        self.assertEqual(service.get("/healthz", authorized=False)[0], 200)

    def test_what_is_no_handshake_and_what_is_no_text(self):
        service = self.service()
        with socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE) as connection:
            connection.sendall(f"GET /mcp/ws HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
                               "Upgrade: websocket\r\n\r\n".encode())
            self.assertIn(b" 400 ", connection.recv(65536))
        self.assertEqual(WebSocket(self, service.port, "fm_nobody").status, 401)
        web = WebSocket(self, service.port, service.key)
        web.send(b"\x00\x01", opcode=2)
        self.assertEqual(web.next(), 1003)

    def test_the_end_of_the_key_and_of_the_service(self):
        service = self.service()
        made = service.tell("key", "create", "--tenant", "acme")
        web, other = WebSocket(self, service.port, made["key"]), WebSocket(self, service.port, service.key)
        service.tell("key", "revoke", made["id"])
        self.assertEqual(web.next(), 1000)
        other.send(hello(), usage())
        self.assertIn("result", other.next())
        self.assertEqual(other.next()["result"]["isError"], False)
        service.process.send_signal(signal.SIGTERM)
        self.assertEqual(other.next(), 1001)
        self.assertEqual(service.process.wait(DEADLINE), 0)
        service.serve()
        self.assertEqual(sum(count for count, _ in service.ledger().values()), 1)

    def test_many_that_wait_cost_no_thread(self):
        service = self.service()
        clients = [WebSocket(self, service.port, service.key) for _ in range(100)]
        for web in clients:
            web.send(hello())
        for web in clients:
            self.assertIn("result", web.next())
        self.assertLess(len(os.listdir(f"/proc/{service.process.pid}/task")), 64)

    def test_who_does_not_read_is_let_go_and_holds_up_nobody(self):
        service = self.service()
        web = WebSocket(self, service.port, service.key)
        web.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        web.send(hello())
        asked = message("tools/list")

        def gone():
            try:
                for _ in range(100):
                    web.send(asked)
                return False
            except OSError:
                return True
        until(gone, "the service lets it go")
        self.assertEqual(service.get("/healthz", authorized=False)[0], 200)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))  # so that cleanups run
    unittest.main(verbosity=1)
