"""``disclose verify`` finds the manifest that a file has lost, and says that it is recovered, never intact."""

import json
import subprocess
import sys

import pytest
from pictures import encoded, photograph, resaved

import disclose
from disclose.profile import Profile

VERIFY = [sys.executable, "-W", "error", "-m", "disclose", "verify"]


@pytest.fixture
def issued(own_home):
    """A picture as it was issued by the profile that the command loads, its manifest kept beside the record."""
    picture = encoded(photograph("coffee", 600, 400), "JPEG", quality=92)
    return disclose.mark(picture, Profile.load(keep_manifests=True), system="Studio").data


@pytest.fixture
def verified(tmp_path):
    def verified(data):
        (tmp_path / "sent.jpg").write_bytes(data)
        done = subprocess.run([*VERIFY, tmp_path / "sent.jpg", "--json"], capture_output=True, check=False)
        return done.returncode, json.loads(done.stdout)

    return verified


def signed(said):
    return [one for one in said["evidence"] if one["layer"] == "c2pa"]


def test_a_file_that_lost_its_manifest_recovers_it(issued, verified):
    status, said = verified(resaved(issued, quality=85))
    assert (status, said["outcome"]) == (0, "disclosed")
    (finding,) = signed(said)
    assert "recovered" in finding["summary"]
    assert (finding["integrity"], finding["binding"], finding["generated"]) == ("unknown", "soft", False)


def test_a_file_that_kept_its_manifest_recovers_none(issued, verified):
    status, said = verified(issued)
    assert status == 0
    assert [one["integrity"] for one in signed(said)] == ["intact"]


def test_nothing_is_recovered_where_no_manifest_was_kept(own_home, verified):
    picture = encoded(photograph("coffee", 600, 400), "JPEG", quality=92)
    issued = disclose.mark(picture, Profile.load(), system="Studio")
    status, said = verified(resaved(issued.data, quality=85))
    assert (status, said["outcome"], signed(said)) == (0, "disclosed", [])


def test_the_command_and_the_service_find_the_same(issued, verified):
    from disclose.detector.examination import examine

    sent = resaved(issued, quality=85)
    (finding,) = signed(examine(Profile.load(), sent, name="sent.jpg"))
    assert signed(verified(sent)[1]) == [finding]
