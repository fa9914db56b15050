"""``disclose serve`` runs the detector as its options say, in one process or several."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

COMMAND = [sys.executable, "-c", "from disclose.cli.serve import serve; serve()"]


@pytest.fixture
def served(tmp_path):
    (tmp_path / "exempt").write_text(hashlib.sha256(b"token").hexdigest() + "\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = ["--port", str(port), "--workers", "2", "--processes", "1", "--rate", "1", "--address", "https://d.example"]
    surroundings = {**os.environ, "DISCLOSE_HOME": str(tmp_path / "home")}
    process = subprocess.Popen([*COMMAND, *given, "--no-fetch", "--exempt", str(tmp_path / "exempt")], env=surroundings)
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        finally:
            process.kill()


def test_the_options_reach_the_server_processes_and_a_signal_ends_them(served):
    address, process = served
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            document = httpx.get(f"{address}/openapi.json").json()
            break
        except httpx.TransportError:
            time.sleep(0.1)
    assert document["servers"] == [{"url": "https://d.example"}]
    token = {"Authorization": "Bearer token"}
    refused = [httpx.post(f"{address}/v1/verify", content=b"").status_code for _ in range(3)]
    # Each of the two processes lets one through.
    assert 429 in refused
    answer = httpx.post(f"{address}/v1/verify", json={"url": "https://example.org/"}, headers=token)
    assert (answer.status_code, answer.json()["detail"]) == (422, "this detector fetches no addresses")
