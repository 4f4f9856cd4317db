"""A network that loses what it is told to lose."""

import socket

from .listener import Listener


class Cutter(Listener):
    """A TCP proxy that can lose answers: for a request it is told to lose, the request arrives at the service as it is,
    and the connection to the client is cut before the answer comes through."""

    def __init__(self, case, port, lose=lambda number: False):
        self.lose = lose  # of the number of the batch, from 1
        self.batches = 0
        self.lost = 0
        self._to = port
        super().__init__(case)
        self.url = f"http://127.0.0.1:{self.port}"

    def _serve(self, client):
        try:
            service = socket.create_connection(("127.0.0.1", self._to))
        except OSError:
            with self._lock:
                self._open.discard(client)
            client.close()
            return
        with self._lock:
            self._open.add(service)
        try:
            from_client, from_service = client.makefile("rb"), service.makefile("rb")
            while True:
                request = self._message(from_client)
                if request is None:
                    return
                losing = False
                if b" /api/v1/metrics/batch " in request.split(b"\r\n", 1)[0]:
                    with self._lock:
                        self.batches += 1
                        losing = self.lose(self.batches)
                        self.lost += losing
                service.sendall(request)
                answer = self._message(from_service)  # it has been processed
                if answer is None or losing:
                    return
                client.sendall(answer)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= {client, service}
            client.close()
            service.close()

    @staticmethod
    def _message(stream):
        """One HTTP message with its body, as it came."""
        head = b""
        length, chunked = 0, False
        while True:
            line = stream.readline(1 << 16)
            if not line:
                return None
            head += line
            name, _, value = line.strip().lower().partition(b":")
            if name == b"content-length":
                length = int(value)
            chunked = chunked or (name == b"transfer-encoding" and b"chunked" in value)
            if line in (b"\r\n", b"\n"):
                break
        if not chunked:
            return head + stream.read(length)
        while True:
            line = stream.readline(1 << 16)
            head += line
            size = int(line.split(b";")[0], 16)
            head += stream.read(size + 2)
            if size == 0:
                return head
