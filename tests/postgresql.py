"""A PostgreSQL server for the tests: the system's own binaries, a folder of its own, no port, nobody's rights."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from system_parts import need

HOW = "apt-get install postgresql, and pip install -e '.[postgres]'"


def _programs():
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


class Server:
    """A server that can be stopped, killed and started again; ``durable`` as in production, or quick."""

    def __init__(self, *, durable=False):
        self.programs = _programs()
        need(self.programs is not None and find_spec("pg8000") is not None, HOW)
        # Not below pytest's own folders, which only their owner may enter.
        self.folder = Path(tempfile.mkdtemp(prefix="disclose-postgresql-"))
        self.owner = {}
        if os.geteuid() == 0:
            # The server refuses to run as root.
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self.owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._run("initdb", "--auth=trust", "--username=disclose", "--encoding=UTF8", "--no-locale", "--no-sync")
        # Data is only as durable as the folder without fsync: enough where processes die, and not the machine.
        settings = f"listen_addresses=''\nunix_socket_directories='{self.folder}'\nfsync={'on' if durable else 'off'}\n"
        with (self.data / "postgresql.conf").open("a") as stream:
            stream.write(settings)
        self.start()

    @property
    def data(self):
        return self.folder / "data"

    def _run(self, program, *arguments):
        command = [self.programs / program, "--pgdata", self.data, *arguments]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.owner)

    def start(self):
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self.folder / 'log'}")

    def stop(self):
        self._run("pg_ctl", "stop", "--wait", "--silent", "--mode=immediate")

    def kill(self):
        """Kill the server's processes as a crash would."""
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def database(self, name):
        """Make a database and return its URL."""
        import sqlalchemy

        url = f"postgresql+pg8000://disclose@/postgres?unix_sock={self.folder}/.s.PGSQL.5432"
        engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
        return f"postgresql://disclose@/{name}?host={self.folder}"

    def close(self):
        if (self.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
