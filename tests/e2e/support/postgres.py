"""A PostgreSQL of its own for a test."""

import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile

from .base import DEADLINE, until


class Postgres:
    """A PostgreSQL of the test's own, on a socket in its directory. It waits for the disk, as in earnest."""

    def __init__(self, case, **settings):
        self.case = case
        self.settings = {"listen_addresses": "", "shared_buffers": "16MB", **settings}
        self.directory = tempfile.mkdtemp(prefix="fortium-e2e-pg-")
        case.ends_with(lambda: shutil.rmtree(self.directory, ignore_errors=True))
        self.user = {}
        if os.getuid() == 0:  # as which PostgreSQL does not run
            shutil.chown(self.directory, "postgres", "postgres")
            self.user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        data = os.path.join(self.directory, "data")
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.process = None
        self.serve()
        self.tell("CREATE ROLE fortium LOGIN CREATEROLE PASSWORD 'open-sesame'")
        self.databases = 0

    @staticmethod
    def programs():
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
        return os.path.dirname(found[-1]) if found else ""

    def _run(self, name, *args):
        subprocess.run([os.path.join(self.programs(), name), *args], check=True, stdout=subprocess.DEVNULL,
                       env=self.case.env(), cwd="/", **self.user)

    def serve(self):
        self.process = subprocess.Popen(
            [os.path.join(self.programs(), "postgres"), "-D", os.path.join(self.directory, "data"), "-k",
             self.directory, *(word for one in self.settings.items() for word in ("-c", "=".join(one)))],
            env=self.case.env(), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.user)
        self.case.ends_with(lambda process=self.process: (process.send_signal(signal.SIGQUIT), process.wait(DEADLINE)))
        until(lambda: subprocess.run([os.path.join(self.programs(), "pg_isready"), "-q", "-h", self.directory],
                                     check=False).returncode == 0, "PostgreSQL takes connections")

    def kill(self):
        """Without a word to anybody: it recovers from its log."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(DEADLINE)

    def tell(self, sql):
        self._run("psql", "-q", "-h", self.directory, "-U", "postgres", "-c", sql, "postgres")

    def ask(self, sql, database):
        """The first value of the answer."""
        return subprocess.run([os.path.join(self.programs(), "psql"), "-qAt", "-h", self.directory, "-U", "postgres",
                               "-c", sql, database], check=True, env=self.case.env(), cwd="/", stdout=subprocess.PIPE,
                              text=True, **self.user).stdout.strip()

    def database(self, how=""):
        """The URL of a new one, whose owner is no superuser."""
        self.databases += 1
        name = f"metrics{self.databases}"
        self.tell(f"CREATE DATABASE {name} OWNER fortium {how}")
        return f"postgresql://fortium:open-sesame@/{name}?host={self.directory}"

    def copied(self, url):
        """The URL of a copy of a database that nobody is connected to."""
        return self.database("TEMPLATE " + re.search(r"@/(\w+)", url).group(1))

    def hold(self, table, url):
        """Nobody reads or writes the table until what is returned is called. `*`: the one there is of that name."""
        name = re.search(r"@/(\w+)", url).group(1)
        if table.startswith("*."):
            table = self.ask(f"SELECT schemaname || '.{table[2:]}' FROM pg_tables WHERE tablename = '{table[2:]}'", name)
        holder = subprocess.Popen([os.path.join(self.programs(), "psql"), "-qAt", "-h", self.directory, "-U", "postgres",
                                   name], env=self.case.env(), cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, **self.user)
        self.case.ends_with(lambda: (holder.kill(), holder.wait(), holder.stdin.close(), holder.stdout.close()))
        holder.stdin.write(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
        holder.stdin.flush()
        self.case.assertEqual(holder.stdout.readline().strip(), "held")

        def let_go():
            holder.stdin.write("COMMIT; SELECT 'free';\n")
            holder.stdin.flush()
            self.case.assertEqual(holder.stdout.readline().strip(), "free")
        return let_go

    def waiting(self, url):
        """How many wait for a lock."""
        return int(self.ask("SELECT count(*) FROM pg_locks WHERE NOT granted", re.search(r"@/(\w+)", url).group(1)))

    def backends(self):
        """The processes that work for a connection."""
        children = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], check=False,
                                  stdout=subprocess.PIPE, text=True).stdout
        return [int(line.split()[0]) for line in children.splitlines() if " fortium " in line]
