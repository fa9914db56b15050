import stat
import threading
from functools import partial

import pytest
from pictures import encoded, photograph

from disclose.asset import Asset
from disclose.errors import DiscloseError, IdentityError
from disclose.evidence import Trust
from disclose.layers.c2pa import C2paLayer
from disclose.media import files
from disclose.profile import Profile
from disclose.signing import Signer, TrustList, development


@pytest.fixture
def folder(tmp_path):
    Signer.development(tmp_path / "identity")
    return tmp_path / "identity"


def test_after_a_rotation_a_new_leaf_signs_under_the_same_intermediate(folder):
    before = Signer.development(folder)
    development.rotate(folder)
    after = Signer.development(folder)
    assert after.fingerprint != before.fingerprint
    assert after.leaf.issuer == before.leaf.issuer
    assert after.private_key != before.private_key
    assert after.serial_numbers == {after.serial_number, before.serial_number}


def test_what_both_leaves_signed_verifies_with_the_same_root_and_is_still_ours(tmp_path):
    statement = Profile(folder=tmp_path).disclosure(system="Studio")
    trust = TrustList.from_path

    def layer():
        profile = Profile(folder=tmp_path)
        profile.signer()
        anchors = trust(tmp_path / "identity" / "root.pem")
        return C2paLayer(signer=profile.signer, trust=lambda: anchors)

    before = layer().mark(Asset.open(encoded(photograph())), statement)
    development.rotate(tmp_path / "identity")
    development.rotate(tmp_path / "identity")
    now = layer()
    after = now.mark(Asset.open(encoded(photograph("coffee"))), statement)
    for signed in (before, after):
        asset = Asset.open(signed.data)
        (found,) = now.detect(asset)
        assert found.is_bound
        assert found.trust is Trust.TRUSTED
        assert now.carried(asset).whole


def test_each_rotation_keeps_all_retired_leaves_and_only_one_key(folder):
    leaves = [Signer.development(folder).serial_number]
    for _ in range(3):
        development.rotate(folder)
        leaves.append(Signer.development(folder).serial_number)
    assert Signer.development(folder).serial_numbers == set(leaves)
    keys = sorted(folder.glob("private_key*.pem"))
    assert len(keys) == 1
    assert stat.S_IMODE(keys[0].stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "intermediate_key.pem").stat().st_mode) == 0o600


def test_who_reads_the_identity_during_rotations_always_gets_a_key_that_fits(folder):
    done, failures = threading.Event(), []

    def read():
        while not done.is_set():
            try:
                Signer.development(folder)
            except Exception as error:
                failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(10):
        development.rotate(folder)
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []


def test_a_reader_caught_in_the_middle_of_a_rotation_reads_again(folder, monkeypatch):
    path_of, overtaken = development._key_path, []

    def overtaking(folder, certificates):
        path = path_of(folder, certificates)
        if not overtaken:
            overtaken.append(path)
            development.rotate(folder)
        return path

    monkeypatch.setattr(development, "_key_path", overtaking)
    signer = Signer.development(folder)
    assert not overtaken[0].exists()
    assert len(signer.serial_numbers) == 2


@pytest.mark.parametrize("file", ["retired.pem", "private_key", "certificates.pem"])
def test_a_rotation_that_finds_no_room_leaves_the_identity_as_it_was(file, folder, monkeypatch):
    before = Signer.development(folder)
    write, write_private = files.write, development._write_private

    def until(path, data, *, write):
        if path.name.startswith(file):
            raise DiscloseError(f"cannot write {path}: No space left on device")
        write(path, data)

    with monkeypatch.context() as full:
        full.setattr(development.files, "write", partial(until, write=write))
        full.setattr(development, "_write_private", partial(until, write=write_private))
        with pytest.raises(DiscloseError, match="No space left"):
            development.rotate(folder)
    assert Signer.development(folder).fingerprint == before.fingerprint
    assert len(list(folder.glob("private_key*.pem"))) == 1
    development.rotate(folder)
    assert Signer.development(folder).serial_numbers > before.serial_numbers


def test_a_second_rotation_at_the_same_time_is_refused(folder):
    (folder / "rotating").touch()
    with pytest.raises(IdentityError, match=r"being rotated.*remove .*rotating"):
        development.rotate(folder)


def test_an_identity_without_its_intermediate_s_key_says_what_to_do(folder):
    (folder / "intermediate_key.pem").unlink()
    with pytest.raises(IdentityError, match=r"intermediate_key\.pem is missing; remove the folder"):
        development.rotate(folder)
    assert not (folder / "rotating").exists()


def test_a_certificate_that_a_profile_names_as_retired_is_still_ours(tmp_path):
    old = Signer.development(tmp_path / "old")
    profile = Profile(folder=tmp_path, retired_certificates=(tmp_path / "old" / "certificates.pem",))
    assert old.serial_number in profile.signer().serial_numbers
    assert "CERTIFICATE" not in repr(profile.signer())


def test_retired_certificates_that_cannot_be_read_are_refused(folder):
    with pytest.raises(IdentityError, match="cannot read the retired certificates"):
        Signer.development(folder).with_retired(b"nonsense")
