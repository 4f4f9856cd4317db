"""The other end of a sync, which answers as it is told: well, wrongly, slowly, never."""

import collections
import gzip
import json
import socket
import struct
import time

from .base import KINDS
from .listener import Listener

Request = collections.namedtuple("Request", "method path headers body")  # header names in lower case; body as JSON


class Peer(Listener):
    """An HTTP peer that does what a test tells it to, well or badly.

    `on(method, path)` decides: a Reply, or a function of the request that gives one. Everything received is kept in
    `requests`. Without orders it behaves as the documented service, and counts each id once in `ids`.
    """

    KEY = "fm_peer_0123456789abcdef"

    def __init__(self, case, context=None, host="127.0.0.1"):
        self.requests = []
        self.ids = {}  # id -> how often it was sent
        self.limits = {"max_batch_records": 1000, "max_body_bytes": 10 << 20}
        self.encodings = ["gzip"]
        self.organization = {"id": "acme", "name": "acme"}
        self.server_time = None
        self.scopes = ["ingest"]
        self._orders = {}
        self._context = context
        super().__init__(case, host)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"

    def settings(self, **more):
        return {"FORTIUM_METRICS_URL": self.url, "FORTIUM_API_KEY": self.KEY, "FORTIUM_ORG_ID": "acme",
                "FORTIUM_RETRY_ATTEMPTS": 0, "FORTIUM_TIMEOUT": 5000, **more}

    def on(self, path, order):
        """`order`: a Reply for every request to `path`, or a function of the request that gives one."""
        self._orders[path] = order

    def batch(self, order):
        self.on("/api/v1/metrics/batch", order)

    def posts(self):
        with self._lock:
            return [one for one in self.requests if one.path == "/api/v1/metrics/batch"]

    def _serve(self, raw):
        connection = raw
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(raw, server_side=True)
                with self._lock:
                    self._open.add(connection)
            stream = connection.makefile("rb")
            while (request := self._read(stream)) is not None:
                with self._lock:
                    self.requests.append(request)
                order = self._orders.get(request.path.split("?")[0], self.honest)
                reply = order(request) if callable(order) else order
                if not reply.send(connection):
                    return
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
                self._open.discard(raw)
            connection.close()

    @staticmethod
    def _read(stream):
        line = stream.readline(1 << 16).decode("latin-1").split()
        if len(line) < 3:
            return None
        headers = {}
        while (header := stream.readline(1 << 16).strip()) != b"":
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return Request(line[0], line[1], headers, json.loads(body) if body else None)

    def honest(self, request):
        """What a service answers that does as documented."""
        if request.path == "/api/v1/capabilities":
            now = self.server_time or time.time()
            told = {"service": "peer", "version": "1", "organization": self.organization, "scopes": self.scopes,
                    "server_time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now)), "limits": self.limits,
                    "encodings": self.encodings, "features": ["receipts"]}
            return Reply(200, told)
        if request.path == "/api/v1/metrics/batch":
            return Reply(200, self.receipt(request))
        if request.path == "/health":
            return Reply(200, {"status": "ok"})
        return Reply(404, {"success": False, "message": "no such path"})

    def receipt(self, request, status=lambda record: None):
        """A complete receipt. `status` may give the line of one record."""
        results = []
        counts = dict.fromkeys(KINDS.values(), 0)
        with self._lock:
            for key in KINDS.values():
                for record in request.body.get(key, []):
                    line = status(record) or {}
                    if not line or line["status"] in ("accepted", "duplicate"):
                        seen = self.ids.get(record["id"], 0)
                        self.ids[record["id"]] = seen + 1
                        counts[key] += 1
                        line = line or {"status": "duplicate" if seen else "accepted"}
                    results.append({"index": len(results), "id": record["id"], **line})
        return {"success": True, "batch_id": request.body["batch_id"], "data": {**counts, "processing_time_ms": 1.0},
                "results": results, "limits": self.limits}


class Reply:
    """An answer, good or bad. `cut` sends only so many bytes of it and then closes."""

    def __init__(self, status=200, body=b"", headers=None, raw=None, cut=None):
        self.status = status
        self.headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            self.headers.setdefault("Content-Type", "application/json")
        self.body = body
        self.raw = raw
        self.cut = cut

    def bytes(self):
        if self.raw is not None:
            return self.raw
        lines = [f"HTTP/1.1 {self.status} Reason"]
        headers = {"Content-Length": str(len(self.body)), **self.headers}
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body

    def send(self, connection):
        """Whether the connection may go on."""
        data = self.bytes()
        if self.cut is not None:
            data = data[:self.cut]
        connection.sendall(data)
        return self.cut is None and self.raw is None


class Slow(Reply):
    """Sends `data` in pieces with pauses, for as long as anybody listens: a slow-loris the other way round."""

    def __init__(self, data, pause=0.1, piece=1):
        super().__init__()
        self.data, self.pause, self.piece = data, pause, piece

    def send(self, connection):
        for at in range(0, len(self.data), self.piece):
            connection.sendall(self.data[at:at + self.piece])
            time.sleep(self.pause)  # this is the misbehaviour itself, not a wait for something
        return False


class Silent(Reply):
    """Never answers; holds the connection until the other side leaves."""

    def send(self, connection):
        while connection.recv(4096):
            pass
        return False


class Endless(Reply):
    """Headers, and then a body that does not end."""

    def __init__(self, head=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", piece=b"x" * 65536,
                 most=1 << 30):
        super().__init__()
        self.head, self.piece, self.most = head, piece, most
        self.sent = 0

    def send(self, connection):
        connection.sendall(self.head)
        while self.sent < self.most:
            connection.sendall(self.piece)
            self.sent += len(self.piece)
        return False


class Reset(Reply):
    """Closes so that the other side sees a reset."""

    def send(self, connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
