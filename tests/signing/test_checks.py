import re
from datetime import UTC, datetime, timedelta

import pytest
from certificates import CLAIM_SIGNERS, CLAIM_SIGNING, MAKERS, chain, issued
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import encoded, photograph

from disclose.disclosure import DigitalSourceType
from disclose.errors import MarkingError
from disclose.layers.c2pa_engine import Engine
from disclose.signing import Signer, TrustList
from disclose.signing.checks import check_identity, usages_of
from disclose.signing.findings import Severity
from disclose.signing.signatures import algorithms_of

AUTHORITY = "https://stamps.example/"
OLD_FORM = PrivateFormat.TraditionalOpenSSL


def troubles(certificates, private_key, *, timestamp_url=AUTHORITY, **settings):
    """Return {(severity, check): summary} of what is not fine, each with a next step."""
    found = check_identity(certificates, private_key, timestamp_url=timestamp_url, **settings)
    wrong = [one for one in found if one.severity is not Severity.FINE]
    assert all(one.next_step for one in wrong)
    return {(one.severity.value, one.check): one.summary for one in wrong}


def of(identity, **settings):
    return troubles(identity.certificates, identity.leaf.key_pem(), **settings)


@pytest.mark.parametrize("algorithm", MAKERS)
def test_a_sound_identity_has_nothing_but_fine_findings(algorithm):
    identity = chain(algorithm)
    assert of(identity) == {}
    assert troubles(identity.certificates, None) == {}


LEAVES = {
    "no usage": ({"usages": ()}, "error", "extended-key-usage", "no extended key usage"),
    "web server": (
        {"usages": [ExtendedKeyUsageOID.SERVER_AUTH]},
        "error",
        "extended-key-usage",
        r"\(serverAuth\) hold none",
    ),
    "any": (
        {"usages": [*CLAIM_SIGNERS, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]},
        "error",
        "extended-key-usage",
        "anyExtendedKeyUsage is forbidden",
    ),
    "stamping too": (
        {"usages": [*CLAIM_SIGNERS, ExtendedKeyUsageOID.TIME_STAMPING]},
        "error",
        "extended-key-usage",
        "timeStamping must not",
    ),
    "claim signing alone": ({"usages": [CLAIM_SIGNING]}, "warning", "extended-key-usage", "lack emailProtection"),
    "no key usage": ({"key_usage": False}, "error", "key-usage", "has no key usage"),
    "wrong key usage": ({"digital_signature": False}, "error", "key-usage", "lacks digitalSignature"),
    "issues certificates": ({"key_cert_sign": True}, "error", "key-usage", "keyCertSign"),
    "no authority identifier": ({"authority_key_identifier": False}, "error", "authority-key-identifier", "has no"),
    "no subject identifier": ({"subject_key_identifier": False}, "warning", "subject-key-identifier", "has no"),
    "expired": ({"starts": timedelta(days=-9), "ends": timedelta(days=-1)}, "error", "validity", "expired on"),
    "not yet valid": ({"starts": timedelta(days=1)}, "error", "clock", "not valid before .* clock says"),
    "expires soon": ({"ends": timedelta(days=29, hours=1)}, "warning", "validity", "expires in 30 days"),
    "no organisation": ({"organisation": ""}, "warning", "organisation", "names no organisation"),
    "blank organisation": ({"organisation": " "}, "warning", "organisation", "names no organisation"),
    "wrong curve": ({"key": ec.generate_private_key(ec.SECP256K1())}, "error", "algorithm", "secp256k1"),
    "short RSA": ({"key": rsa.generate_private_key(65537, 1024)}, "error", "algorithm", "1024 bits"),  # noqa: S505
}


@pytest.mark.parametrize("name", LEAVES)
def test_each_fault_of_a_leaf_is_the_one_that_is_named(name):
    changes, severity, check, summary = LEAVES[name]
    found = of(chain(**changes))
    assert list(found) == [(severity, check)]
    assert re.search(summary, found[severity, check])


@pytest.mark.parametrize("name", LEAVES)
def test_what_is_called_an_error_is_refused_by_the_engine_and_what_is_called_a_warning_is_not(name):
    changes, severity, *_ = LEAVES[name]
    identity = chain(**changes)
    algorithm = (*algorithms_of(identity.leaf.key.public_key()), "es256")[0]
    signer = Signer(certificates=identity.certificates, private_key=identity.leaf.key_pem(), algorithm=algorithm)
    engine = Engine(signer=lambda: signer, trust=lambda: TrustList(anchors=identity.anchors))
    created = {"action": "c2pa.created", "digitalSourceType": DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA.uri}
    definition = {
        "claim_generator_info": [{"name": "disclose tests"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }
    if severity == "error":
        with pytest.raises(MarkingError):
            engine.sign(definition, "image/png", encoded(photograph()))
    else:
        signed = engine.sign(definition, "image/png", encoded(photograph()))
        assert engine.read("image/png", signed.data)["validation_state"] == "Trusted"


def keys():
    identity = chain()
    other = chain().leaf.key_pem()
    rsa_identity = chain("ps256")
    return {
        "encrypted": (identity, identity.leaf.key_pem(b"secret"), "error", "key-form", "is encrypted"),
        "encrypted in the old form": (
            identity,
            identity.leaf.key_pem(b"s", OLD_FORM),
            "error",
            "key-form",
            "encrypted",
        ),
        "SEC1": (identity, identity.leaf.key_pem(form=OLD_FORM), "warning", "key-form", "SEC1"),
        "PKCS#1": (rsa_identity, rsa_identity.leaf.key_pem(form=OLD_FORM), "warning", "key-form", "PKCS#1"),
        "another's": (identity, other, "error", "key-match", "does not belong"),
        "nonsense": (identity, b"nonsense", "error", "key-form", "not a PEM private key"),
        "broken": (identity, other[:80] + other[120:], "error", "key-match", "cannot read the signing key"),
    }


def test_each_fault_of_a_key_is_the_one_that_is_named():
    for name, (identity, key, severity, check, summary) in keys().items():
        found = troubles(identity.certificates, key)
        assert list(found) == [(severity, check)], name
        assert summary in found[severity, check]


def chains():
    identity = chain()
    leaf, above, root = identity.leaf.pem, identity.intermediate.pem, identity.root.pem
    stranger = chain().intermediate.pem
    alone = issued("alone")
    return {
        "intermediate first": (above + leaf, identity.leaf, "error", "was not issued by"),
        "a stranger's intermediate": (leaf + stranger, identity.leaf, "error", "was not issued by"),
        "root included": (leaf + above + root, identity.leaf, "warning", "root stands in the chain"),
        "leaf alone": (leaf, identity.leaf, "warning", "stands alone"),
        "self-signed": (alone.pem, alone, "error", "self-signed"),
    }


def test_each_fault_of_a_chain_is_named():
    for name, (certificates, leaf, severity, summary) in chains().items():
        found = troubles(certificates, leaf.key_pem())
        assert summary in found[severity, "chain"], name


def test_an_expired_intermediate_is_named_by_its_place():
    root = issued("root", is_authority=True)
    above = issued("intermediate", by=root, is_authority=True, ends=timedelta(minutes=-1))
    leaf = issued("leaf", by=above)
    found = troubles(leaf.pem + above.pem, leaf.key_pem())
    assert found["error", "validity"].startswith("certificate 2 of the chain expired")


def test_certificates_that_cannot_be_read_are_told_apart_from_ones_in_der():
    identity = chain()
    der = identity.leaf.certificate.public_bytes(Encoding.DER)
    for data, step in ((b"nonsense", "PEM file"), (der, "inform DER")):
        first, *_ = check_identity(data, identity.leaf.key_pem())
        assert (first.check, first.severity) == ("certificates", Severity.ERROR)
        assert step in first.next_step


def test_a_real_certificate_without_an_authority_for_stamps_is_warned_of_and_a_development_one_is_not():
    assert list(of(chain(), timestamp_url=None)) == [("warning", "timestamp")]
    assert list(of(chain(), timestamp_url=None, is_development=True)) == [("warning", "development")]


FAULTS = {
    "extended-key-usage": {"usages": ()},
    "key-usage": {"digital_signature": False},
    "authority-key-identifier": {"authority_key_identifier": False},
    "subject-key-identifier": {"subject_key_identifier": False},
    "organisation": {"organisation": ""},
    "algorithm": {"key": ec.generate_private_key(ec.SECP256K1())},
    "validity": {"ends": timedelta(days=2)},
}


@given(chosen=st.sets(st.sampled_from(sorted(FAULTS)), min_size=1))
@settings(max_examples=15, deadline=None)
def test_all_faults_are_named_at_once_and_no_other(chosen):
    changes = {name: value for fault in chosen for name, value in FAULTS[fault].items()}
    assert {check for _, check in of(chain(**changes))} == chosen


def test_a_clock_that_is_behind_is_seen():
    identity = chain()
    found = of(identity, now=datetime.now(UTC) - timedelta(days=365))
    assert set(found) == {("error", "clock")}


def test_usages_are_read_by_name():
    unknown = x509.ObjectIdentifier("1.2.3.4")
    leaf = chain(usages=[CLAIM_SIGNING, unknown]).leaf.certificate
    assert usages_of(leaf) == ("c2pa-kp-claimSigning", "1.2.3.4")
