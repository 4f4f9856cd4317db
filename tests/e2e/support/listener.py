"""What takes connections on the loopback."""

import socket
import threading

from .base import hang_up


class Listener:
    """Gives each connection to `_serve`, in a thread of its own, until the test ends."""

    def __init__(self, case, host="127.0.0.1"):
        self.connections = 0
        self._lock = threading.Lock()
        self._open = set()
        self._ending = False
        self._listener = socket.create_server((host, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        case.ends_with(self.close)

    def close(self):
        self._ending = True
        with self._lock:
            hang_up(self._listener, *self._open)

    def _accept(self):
        while not self._ending:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
                self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
