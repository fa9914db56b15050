"""A detector for the tests of one module, its examiners started once, and files that it is asked about."""

import pytest
from pictures import encoded, photograph
from starlette.testclient import TestClient

import disclose
from disclose.detector import Settings, app
from disclose.profile import Profile


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    return Profile(folder=tmp_path_factory.mktemp("deployment") / "disclose")


@pytest.fixture(scope="module")
def marked(deployment):
    picture = encoded(photograph(width=512, height=384), "JPEG", quality=92)
    return disclose.mark(picture, deployment, system="Acme Studio", provider="Acme GmbH").data


@pytest.fixture(scope="module")
def issued(deployment):
    """An asset whose manifest is kept where the deployment of the module keeps them."""
    picture = encoded(photograph("china", width=512, height=384), "JPEG", quality=92)
    return disclose.mark(picture, deployment, system="Acme Studio")


@pytest.fixture(scope="module")
def plain():
    """A picture that no test marks: once issued, it would be known again."""
    return encoded(photograph("coffee", width=320, height=240), "PNG")


@pytest.fixture(scope="module")
def canvas():
    """A picture to be marked."""
    return encoded(photograph("flower", width=320, height=240), "PNG")


@pytest.fixture(scope="module")
def detector(deployment):
    settings = Settings(processes=1, requests_per_minute=100_000, address="https://detector.example")
    with TestClient(app(deployment, settings)) as client:
        yield client
