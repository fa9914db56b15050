"""What we sign is read alike by a verifier that shares no code with ours."""

import pytest
from pictures import FORMATS, in_every_format
from system_parts import need_package

import disclose

try:
    import encypher_c2pa
except ImportError:
    encypher_c2pa = None


@pytest.fixture(autouse=True)
def installed():
    need_package(encypher_c2pa is not None, "pip install -e '.[interop]'")


def integrity(data, media_type):
    report = encypher_c2pa.verify(data, media_type, telemetry=False)
    return report["integrity"]


@pytest.mark.parametrize("media_type", FORMATS)
def test_every_format_we_sign_is_valid_to_another_verifier(media_type, profile):
    asset = disclose.mark(in_every_format()[media_type], profile, system="Studio", provider="Acme")
    assert integrity(asset.data, media_type) == "valid"


@pytest.mark.parametrize("media_type", FORMATS)
def test_an_altered_picture_with_its_parent_is_valid_too(media_type, profile):
    asset = disclose.mark(in_every_format()[media_type], profile, system="Studio", action="altered")
    assert integrity(asset.data, media_type) == "valid"


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
def test_both_verifiers_see_a_changed_byte(media_type, profile):
    data = bytearray(disclose.mark(in_every_format()[media_type], profile, system="Studio").data)
    data[len(data) * 3 // 4] ^= 1
    assert integrity(bytes(data), media_type) == "invalid"
    assert disclose.verify(bytes(data), profile).outcome is disclose.Outcome.CONTESTED
