"""What the tests of the real programs share. Standard library only, so that nothing here has our own bugs.

A test gets a home of its own, a clean environment, and ends what it started. Nobody sleeps to wait for something:
`until` polls a real condition and gives up at a deadline. Everything stays on loopback.
"""

from .base import (  # noqa: F401
    BIN, CONFIGURATION, CREDENTIALS, DEADLINE, DONE, FAILED, KINDS, ON_POSTGRES, PARTLY, ROOT,
    SERVER_BIN, STORE, UNREACHABLE, USAGE, about_files, digest, hang_up, high_water, until)
from .case import Case, Done, main  # noqa: F401
from .mcp import CAPABILITIES, CLIENT, Mcp, recorded_id, tool_usage  # noqa: F401
from .service import Service, http_get  # noqa: F401
from .postgres import Postgres  # noqa: F401
from .peer import Endless, Peer, Reply, Request, Reset, Silent, Slow  # noqa: F401
from .cutter import Cutter  # noqa: F401
from .authority import Authority  # noqa: F401
