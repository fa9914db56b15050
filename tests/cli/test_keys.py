import io
import json
import os
import stat
import subprocess
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest
from certificates import chain
from cryptography import x509
from pictures import encoded, photograph
from time_stamping import time_stamping_authority

from disclose.cli import main


def run(*arguments, **environment):
    """Return what the command line does in this process: a new one a command would take most of the time."""
    out, errors, status = io.StringIO(), io.StringIO(), 0
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, environment))
        stack.enter_context(mock.patch.object(sys, "argv", ["disclose", *map(str, arguments)]))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(errors))
        try:
            main()
        except SystemExit as leaving:
            status = leaving.code or 0
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), errors.getvalue())


def findings(done):
    """Return {check: severity} of what a doctor found that is not fine, and all checks."""
    found = json.loads(done.stdout)["findings"]
    return {one["check"]: one["severity"] for one in found if one["severity"] != "fine"}, {
        one["check"] for one in found
    }


def environment(identity, folder, **more):
    certificates, private_key = identity.write(folder)
    return {"DISCLOSE_CERTIFICATES": str(certificates), "DISCLOSE_PRIVATE_KEY": str(private_key), **more}


def test_the_doctor_finds_the_development_identity_sound_and_warns_that_nobody_vouches_for_it():
    done = run("keys", "doctor", "--json")
    assert done.returncode == 0, done.stderr
    wrong, checked = findings(done)
    assert wrong == {"development": "warning"}
    assert "proof" in checked


def test_the_doctor_names_all_faults_at_once_and_leaves_with_status_one(tmp_path):
    identity = chain(usages=(), organisation="", authority_key_identifier=False)
    certificates, private_key = identity.write(tmp_path)
    done = run("keys", "doctor", "--certificates", certificates, "--private-key", private_key, "--json")
    assert done.returncode == 1
    assert findings(done)[0] == {
        "extended-key-usage": "error",
        "authority-key-identifier": "error",
        "organisation": "warning",
        "timestamp": "warning",
        "proof": "error",
    }


def test_what_is_worst_comes_first_in_words_with_the_next_step(tmp_path):
    certificates, private_key = chain(digital_signature=False).write(tmp_path)
    done = run("keys", "doctor", "--certificates", certificates, "--private-key", private_key)
    severities = [line.split()[0] for line in done.stdout.splitlines()]
    assert severities == sorted(severities, key=["error", "warning", "fine"].index)
    assert "lacks digitalSignature; ask the authority for a new certificate" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_key_that_cannot_be_read_or_used_never_shows(tmp_path):
    certificates, private_key = chain().write(tmp_path)
    body = private_key.read_text().splitlines()[1]
    private_key.write_bytes(chain().leaf.key_pem(b"secret"))
    done = run("keys", "doctor", "--certificates", certificates, "--private-key", private_key, "--json")
    assert findings(done)[0]["key-form"] == "error"
    assert body not in done.stdout + done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_the_doctor_proves_a_profile_s_own_identity_with_stamp_trust_and_clock(tmp_path):
    identity = chain()
    with time_stamping_authority(tmp_path / "authority") as authority:
        anchors = tmp_path / "anchors.pem"
        anchors.write_text(identity.anchors + authority.anchors)
        settings = {"DISCLOSE_TIMESTAMP_URL": authority.url, "DISCLOSE_TRUST_ANCHORS": str(anchors)}
        done = run("keys", "doctor", "--json", **environment(identity, tmp_path, **settings))
    assert (done.returncode, done.stderr) == (0, "")
    wrong, checked = findings(done)
    assert wrong == {}
    assert {"proof", "trust", "clock", "timestamp"} <= checked


def test_the_doctor_says_when_the_authority_gives_no_stamp(tmp_path):
    done = run("keys", "doctor", **environment(chain(), tmp_path, DISCLOSE_TIMESTAMP_URL="http://127.0.0.1:9/"))
    assert done.returncode == 1
    assert "http://127.0.0.1:9/ gave no time-stamp" in done.stdout


def test_the_doctor_names_a_reference_that_leads_nowhere():
    done = run("keys", "doctor", "--json", DISCLOSE_SIGNER_REFERENCE="no_such_module_here:signer")
    assert done.returncode == 1
    assert findings(done)[0] == {"signer": "error"}
    assert "there is no module no_such_module_here" in done.stdout


def test_a_request_is_written_with_advice_and_never_overwritten(tmp_path):
    arguments = ("keys", "csr", "--organisation", "Acme GmbH", "--common-name", "Studio", "-o", tmp_path / "new")
    done = run(*arguments, "--algorithm", "ed25519")
    assert done.returncode == 0, done.stderr
    key = tmp_path / "new" / "private_key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert (
        "CN=Studio,O=Acme GmbH"
        in x509.load_pem_x509_csr((tmp_path / "new" / "request.csr").read_bytes()).subject.rfc4514_string()
    )
    assert "c2pa-kp-claimSigning" in done.stdout
    before = key.read_bytes()
    again = run(*arguments)
    assert (again.returncode, key.read_bytes()) == (1, before)
    assert "is there already and stays" in again.stderr


def test_after_a_rotation_old_and_new_files_verify_and_marking_again_changes_nothing(tmp_path):
    picture, old, new = tmp_path / "a.png", tmp_path / "old.png", tmp_path / "new.png"
    picture.write_bytes(encoded(photograph()))
    assert run("mark", picture, "-o", old, "--system", "Studio").returncode == 0
    before = json.loads(run("keys", "show", "--json").stdout)
    rotated = run("keys", "rotate", "--json")
    assert rotated.returncode == 0, rotated.stderr
    after = json.loads(rotated.stdout)
    assert after["retired"] == [before["serial_number"]]
    assert after["fingerprint"] != before["fingerprint"]
    assert run("mark", picture, "-o", new, "--system", "Studio").returncode == 0
    root = str(Path(os.environ["DISCLOSE_HOME"]) / "identity" / "root.pem")
    for file in (old, new):
        done = run("verify", file, "--json", DISCLOSE_TRUST_ANCHORS=root)
        assert done.returncode == 0
        (signed,) = [one for one in json.loads(done.stdout)["evidence"] if one["layer"] == "c2pa"]
        assert (signed["integrity"], signed["trust"]) == ("intact", "trusted")
    assert run("mark", old, "-o", tmp_path / "again.png", "--system", "Studio").returncode == 0
    assert (tmp_path / "again.png").read_bytes() == old.read_bytes()


def test_a_certificate_from_an_authority_is_not_rotated_here(tmp_path):
    done = run("keys", "rotate", **environment(chain(), tmp_path))
    assert done.returncode == 1
    assert "add the old certificate to retired_certificates" in done.stderr


def test_show_names_who_signs_and_for_how_long(tmp_path):
    identity = chain()
    settings = environment(identity, tmp_path, DISCLOSE_TIMESTAMP_URL="https://stamps.example/tsa?token=secret")
    shown = json.loads(run("keys", "show", "--json", **settings).stdout)
    assert shown["subject"] == "CN=leaf,O=Acme GmbH"
    assert shown["issuer"] == "CN=intermediate,O=Acme GmbH"
    assert shown["serial_number"] == str(identity.leaf.certificate.serial_number)
    assert shown["extended_key_usages"] == ["c2pa-kp-claimSigning", "emailProtection"]
    assert shown["timestamp"] == "https://stamps.example/tsa"
    plain = run("keys", "show", **settings).stdout
    assert "CN=intermediate,O=Acme GmbH" in plain
    assert "\x1b" not in plain


@pytest.mark.parametrize("command", ["init", "csr", "rotate", "doctor", "show"])
def test_every_command_explains_itself(command):
    done = run("keys", command, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 4
