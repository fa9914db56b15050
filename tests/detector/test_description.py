"""What the description promises holds for whatever a machine makes up from it, and for files that were damaged."""

import random
import time

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from pictures import encoded, photograph
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from disclose.detector import Settings, app

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CANARY = "canary-3f8a"


OPERATIONS = [
    ("/v1/verify", "post"),
    ("/matches/byBinding", "get"),
    ("/matches/byBinding", "post"),
    ("/matches/byContent", "post"),
    ("/matches/byReference", "post"),
    ("/manifests/{manifestId}", "get"),
    ("/services/supportedAlgorithms", "get"),
    ("/health", "get"),
    ("/metrics", "get"),
]


@pytest.fixture(scope="module")
def open_detector(deployment):
    """Return the application for a machine: no limit of requests, and no network."""
    limits = Settings(processes=1, requests_per_minute=1_000_000, fetches=False, manifests=True)
    application = app(deployment, limits)
    yield application
    application.state.service.pool.close()


@pytest.fixture(scope="module")
def described(open_detector):
    document = TestClient(open_detector).get("/openapi.json").json()
    assert sorted(OPERATIONS) == sorted((path, method) for path, found in document["paths"].items() for method in found)
    made = schemathesis.openapi.from_dict(document)
    made.app = open_detector
    return made


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_made_up_request_surprises(described, open_detector, path, method):
    client = TestClient(open_detector)

    @given(described[path][method].as_strategy())
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    def holds(case):
        case.call_and_validate(session=client, checks=CHECKS)

    holds()


def mutated(data, dice):
    """Return *data* with bytes changed, cut, repeated and put in."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        place = dice.randrange(len(changed))
        match dice.randrange(4):
            case 0:
                changed[place] = dice.randrange(256)
            case 1:
                del changed[place : place + dice.randint(1, 64)]
            case 2:
                changed[place:place] = changed[place : place + dice.randint(1, 64)]
            case _:
                changed[place : place + 4] = dice.choice([b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff"])
    return bytes(changed) or b"x"


def test_no_mutated_file_is_a_failure_of_the_server_or_leaks(open_detector, marked):
    dice = random.Random(5)  # noqa: S311 - the same files every time
    small = encoded(photograph(width=32, height=32))
    client = TestClient(open_detector)
    times = []
    for number in range(24):
        data = mutated(small if number % 3 else marked, dice)
        started = time.perf_counter()
        answer = client.post("/v1/verify", content=data, headers={"Content-Type": "image/png", "X-Name": CANARY})
        times.append(time.perf_counter() - started)
        assert answer.status_code in (200, 422)
        assert CANARY not in answer.text
        assert "/site-packages/" not in answer.text
    assert sorted(times)[int(len(times) * 0.99)] < 60
