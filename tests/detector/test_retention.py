"""Nothing that was sent is left anywhere: no file, no log, no record, even where a process was killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from pictures import encoded, photograph

SERVER = """
import sys
from pathlib import Path
from disclose.detector import Settings, app
from disclose.detector.serving import options
from disclose.profile import Profile
import uvicorn
if __name__ == "__main__":
    settings = Settings(processes=1, upload_seconds=30, fetch_seconds=0.5)
    made = app(Profile(folder=Path(sys.argv[1]) / "home"), settings)
    uvicorn.run(made, **options("127.0.0.1", int(sys.argv[2])), log_level="debug")
"""
CANARY = b"canary-7c1f9d0e5b"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder):
    (folder / "tmp").mkdir()
    (folder / "serve.py").write_text(SERVER)
    port = free_port()
    surroundings = {**os.environ, "TMPDIR": str(folder / "tmp")}
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "serve.py", str(folder), str(port)]
        process = subprocess.Popen(command, cwd=folder, env=surroundings, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(address, process)
            yield address, process
        finally:
            process.kill()
            process.wait()


def wait_for(address, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            if httpx.get(f"{address}/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def traces(folder, since):
    """Return the files with the canary in them: all of the server's own, and what is new in the temporary folders."""
    found = [path for path in folder.rglob("*") if path.is_file() and CANARY in path.read_bytes()]
    for shared in (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm")):  # noqa: S108
        for path in shared.glob("*"):
            try:
                is_new = path.is_file() and path.stat().st_mtime >= since
                if is_new and path.stat().st_size < 1 << 24 and CANARY in path.read_bytes():
                    found.append(path)
            except OSError:
                continue
    return found


def held_open(process):
    """Return the files that the server and its children hold open outside the kernel's own, deleted or not."""
    names = []
    for folder in [Path(f"/proc/{process.pid}"), *(Path(f"/proc/{one}") for one in children(process.pid))]:
        for link in (folder / "fd").iterdir():
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target.startswith("/") and "/dev/" not in target:
                names.append(target)
    return names


def children(pid):
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [one for task in tasks for one in (task / "children").read_text().split()]


def canaries():
    """Return requests that carry the canary wherever one can."""
    picture = encoded(photograph(width=32, height=32)) + CANARY
    name = CANARY.decode()
    return [
        ("/v1/verify", {"files": {"file": (f"{name}.png", picture)}}),
        ("/v1/verify", {"content": picture[:100] + CANARY, "headers": {"Content-Type": "image/png"}}),
        ("/v1/verify?report=pdf", {"files": {"file": (f"{name}.png", picture)}}),
        ("/v1/verify", {"json": {"url": f"http://{name}.invalid/{name}"}}),
        ("/", {"files": {"file": (f"{name}.png", picture)}, "data": {"report": "1", name: name}}),
        ("/", {"files": {"file": (f"{name}.bin", b"\x00\xff" + CANARY * 100_000)}}),
        ("/v1/verify", {"content": CANARY, "headers": {"Content-Type": "multipart/form-data; boundary=b"}}),
        ("/v1/verify", {"content": b'{"url": "http://' + CANARY, "headers": {"Content-Type": "application/json"}}),
        ("/matches/byBinding", {"json": {"alg": name, "value": name}}),
        (f"/matches/byContent?{name}", {"content": picture, "headers": {"X-Name": name}}),
    ]


def test_what_was_sent_is_nowhere_afterwards(server, folder):
    address, process = server
    since = time.time() - 2
    statuses = [httpx.post(address + path, timeout=60, **sent).status_code for path, sent in canaries()]
    assert statuses[0] == 200
    assert all(status < 500 for status in statuses)
    assert traces(folder, since) == []
    assert [one for one in held_open(process) if one.startswith(str(folder / "tmp"))] == []


def test_an_upload_that_a_kill_interrupts_is_nowhere_afterwards(server, folder):
    address, process = server
    since = time.time() - 2
    port = int(address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as half:
        head = "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + CANARY * 100_000
        half.sendall(head.encode() + b"Content-Length: 9000000\r\n\r\n" + part)
        time.sleep(0.5)
        assert traces(folder, since) == []
        examiners = [one for one in children(process.pid) if _runs(one)]
        assert examiners
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert traces(folder, since) == []
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(_runs(one) for one in examiners):
        time.sleep(0.1)
    assert not any(_runs(one) for one in examiners)


def _runs(pid):
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
