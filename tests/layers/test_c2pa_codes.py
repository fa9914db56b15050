"""Every validation code on its axis: a table of our own expectations, and real files that produce the codes."""

import io
import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import c2pa
import pytest
from certificates import issued
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import ExtendedKeyUsageOID
from signed_files import read, signed, swapped
from stamped_times import time_stamping

from disclose.evidence import Binding, Integrity, Time, Trust
from disclose.layers.c2pa_codes import CODES, Assessment, axes
from disclose.signing import TrustList

SOUND = ("claimSignature.validated", "assertion.dataHash.match")


def words(text):
    return text.split()


# What a code among the failures (or, for the last groups, where it belongs) does to a file that is sound otherwise.
BREAKS = words("""
algorithm.unsupported
assertion.action.ingredientMismatch assertion.action.malformed assertion.action.missing assertion.action.redacted
assertion.action.redactionMismatch assertion.action.softBindingMissing
assertion.alternativeContentRepresentation.hashMismatch assertion.alternativeContentRepresentation.malformed
assertion.alternativeContentRepresentation.missing
assertion.bmffHash.malformed assertion.bmffHash.mismatch
assertion.boxesHash.malformed assertion.boxesHash.mismatch assertion.boxesHash.unknownBox
assertion.cbor.invalid
assertion.cloud-data.actions assertion.cloud-data.hardBinding assertion.cloud-data.labelMismatch
assertion.cloud-data.malformed
assertion.collectionHash.incorrectFileCount assertion.collectionHash.invalidURI assertion.collectionHash.malformed
assertion.collectionHash.mismatch
assertion.dataHash.malformed assertion.dataHash.mismatch assertion.dataHash.redacted
assertion.external-reference.actions assertion.external-reference.created assertion.external-reference.hardBinding
assertion.external-reference.malformed
assertion.hardBinding.redacted assertion.hashedURI.mismatch assertion.inaccessible assertion.ingredient.malformed
assertion.json.invalid assertion.metadata.disallowed assertion.missing
assertion.multiAssetHash.malformed assertion.multiAssetHash.mismatch assertion.multiAssetHash.missingPart
assertion.multipleHardBindings assertion.notRedacted assertion.outsideManifest assertion.required.missing
assertion.selfRedacted assertion.timestamp.malformed assertion.undeclared
claim.cbor.invalid claim.hardBindings.missing claim.malformed claim.missing claim.multiple claim.required.missing
claimSignature.mismatch claimSignature.missing
com.adobe.prerelease general.error hashedURI.mismatch hashedURI.missing
ingredient.claimSignature.mismatch ingredient.claimSignature.missing ingredient.hashedURI.mismatch
ingredient.manifest.mismatch ingredient.manifest.missing
manifest.compressed.invalid manifest.inaccessible manifest.missing manifest.multipleParents manifest.timestamp.invalid
manifest.timestamp.wrongParents manifest.unreferenced manifest.update.invalid manifest.update.wrongParents
""")
LEAVES_THE_SIGNER_UNKNOWN = words("""
claimSignature.outsideValidity signingCredential.expired signingCredential.invalid signingCredential.ocsp.revoked
signingCredential.revoked signingCredential.untrusted
""")
LEAVES_THE_TIME_STATED = words("""
timeStamp.credentialInvalid timeStamp.malformed timeStamp.mismatch timeStamp.outsideValidity timeStamp.untrusted
""")
SAYS_NOTHING = words("""
algorithm.deprecated assertion.accessible assertion.alternativeContentRepresentation.match
assertion.bmffHash.additionalExclusionsPresent assertion.boxesHash.additionalExclusionsPresent
assertion.dataHash.additionalExclusionsPresent assertion.hashedURI.match assertion.multiAssetHash.match
claimSignature.insideValidity ingredient.claimSignature.validated ingredient.manifest.validated
ingredient.unknownProvenance manifest.unknownProvenance signingCredential.ocsp.inaccessible
signingCredential.ocsp.notRevoked signingCredential.ocsp.skipped signingCredential.ocsp.unknown
timeOfSigning.insideValidity timeOfSigning.outsideValidity timeStamp.validated
""")
BINDS = words("""
assertion.bmffHash.match assertion.boxesHash.match assertion.collectionHash.match assertion.dataHash.match
""")
ALONE = ["claimSignature.validated", "signingCredential.trusted", "timeStamp.trusted"]


def codes(success=(), failure=(), informational=()):
    kinds = {"success": success, "failure": failure, "informational": informational}
    return {kind: [{"code": name} for name in names] for kind, names in kinds.items()}


@pytest.mark.parametrize("name", BREAKS)
def test_damage_breaks_the_integrity_and_leaves_the_signer_known(name):
    known = (*SOUND, "signingCredential.trusted")
    assert axes(codes(known, [name])) == ("broken", "trusted", "stated")
    assert axes(codes(known, (), [name])) == ("broken", "trusted", "stated")


@pytest.mark.parametrize("name", LEAVES_THE_SIGNER_UNKNOWN)
def test_an_unfit_certificate_breaks_nothing_and_is_not_trusted(name):
    assert axes(codes((*SOUND, "signingCredential.trusted"), [name])) == ("intact", "untrusted", "stated")


@pytest.mark.parametrize("name", LEAVES_THE_TIME_STATED)
def test_an_unfit_time_stamp_leaves_the_time_stated(name):
    assert axes(codes(SOUND, (), [name])) == ("intact", "unknown", "stated")


@pytest.mark.parametrize("name", SAYS_NOTHING)
def test_a_remark_changes_no_axis(name):
    for place in ({"success": (*SOUND, name)}, {"success": SOUND, "informational": [name]}):
        assert axes(codes(**place)) == ("intact", "unknown", "stated")


@pytest.mark.parametrize("name", BINDS)
def test_a_signature_and_a_binding_together_are_intact_and_either_alone_is_not(name):
    assert axes(codes(["claimSignature.validated", name])) == ("intact", "unknown", "stated")
    assert axes(codes([name])) == ("unknown", "unknown", "stated")
    assert axes(codes(["claimSignature.validated"])) == ("unknown", "unknown", "stated")


def test_a_known_signer_and_a_known_time_are_on_axes_of_their_own():
    assert axes(codes([*SOUND, "signingCredential.trusted"])) == ("intact", "trusted", "stated")
    assert axes(codes([*SOUND, "timeStamp.trusted"])) == ("intact", "unknown", "stamped")
    assert axes({}) == ("unknown", "unknown", "stated")


def test_a_failure_that_nobody_has_heard_of_counts_as_damage_and_a_remark_does_not():
    assert axes(codes(SOUND, ["something.new"])) == ("broken", "unknown", "stated")
    assert axes(codes(SOUND, (), ["something.new"])) == ("intact", "unknown", "stated")
    assert (
        "does not know the code"
        in Assessment.of({"activeManifest": codes(SOUND, ["something.new"])}).meanings["something.new"]
    )


def test_somebody_who_names_himself_beside_the_signer_is_not_what_is_signed():
    assert axes(codes(SOUND, ["cawg.x509.credential.untrusted"])) == ("intact", "unknown", "stated")


def test_the_expectations_cover_the_whole_table_once():
    named = [*BREAKS, *LEAVES_THE_SIGNER_UNKNOWN, *LEAVES_THE_TIME_STATED, *SAYS_NOTHING, *BINDS, *ALONE]
    assert sorted(named) == sorted(CODES)


def test_the_table_knows_every_code_that_the_engine_holds():
    library = next((Path(c2pa.__file__).parent / "libs").glob("*c2pa_c*"))
    roots = rb"assertion|claimSignature|claim|signingCredential|timeStamp|timeOfSigning|ingredient|manifest|algorithm"
    held = re.findall(rb"(?:%s|hashedURI|general)\.[A-Za-z][A-Za-z.-]+" % roots, library.read_bytes())
    # Source files, CAWG's codes without their beginning, and the label c2pa.metadata.
    others = ("jsonInvalid", "duplicateExtended", "mismatchBMFF", "metadatastds", "matchcapability")
    unheard_of = {
        name
        for name in (item.decode() for item in held)
        # The compiler cuts a constant that it compares with into pieces of sixteen bytes.
        if not any(name.startswith(code) or code.startswith(name[:16]) for code in CODES)
        and not name.partition(".")[2].startswith(others)
        and not re.search(r"\.rs|^[a-zA-Z]+\.[a-z]{1,8}[A-Z]", name)
    }
    assert not unheard_of


@pytest.mark.parametrize("name", CODES)
def test_every_sentence_is_plain_and_calls_nothing_verified_or_invalid(name):
    means = CODES[name].means
    assert means[0].isupper()
    assert means.endswith(".")
    assert len(means) < 130
    assert not re.search(r"verif|valid signature|failed|authentic|genuine|invalid|fake", means, re.IGNORECASE)


# Real files.

SIGNERS = issued("signers' root", is_authority=True)
STAMPERS = issued("stampers' root", is_authority=True)
DAY = timedelta(days=1)
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
STAMPING = {"usages": [ExtendedKeyUsageOID.TIME_STAMPING], "critical_usages": True}


@pytest.fixture(scope="module")
def signer():
    return issued("signer", by=SIGNERS)


def stamper(**more):
    return issued("stamper", by=STAMPERS, **STAMPING, **more)


def trusting(signers=None, stampers=None):
    return TrustList(
        anchors=signers.pem.decode() if signers else "", timestamp_anchors=stampers.pem.decode() if stampers else ""
    )


BOTH = trusting(SIGNERS, STAMPERS)


def assessed(data, trust=None, media_type="image/jpeg"):
    found = Assessment.of_store(read(data, trust, media_type))
    return found, (found.integrity.value, found.trust.value, found.time.value)


def test_an_unknown_signer_is_neither_trusted_nor_damage(signer):
    found, axes_found = assessed(signed(signer))
    assert axes_found == ("intact", "untrusted", "stated")
    assert found.meanings["signingCredential.untrusted"] == (
        "The signer is unknown: its authority is on no trust list."
    )


def test_a_known_signer_is_trusted(signer):
    found, axes_found = assessed(signed(signer), trusting(SIGNERS))
    assert axes_found == ("intact", "trusted", "stated")
    assert {"signingCredential.trusted", "claimSignature.validated", "assertion.dataHash.match"} <= set(found.meanings)


def test_an_authority_for_time_stamps_vouches_for_no_signer(signer):
    found, axes_found = assessed(signed(signer), trusting(None, SIGNERS))
    assert axes_found == ("intact", "untrusted", "stated")
    assert "time-stamps only" in found.meanings["signingCredential.trusted"]
    assert assessed(signed(signer), trusting(STAMPERS, SIGNERS))[1] == ("intact", "untrusted", "stated")


def test_an_authority_for_both_vouches_for_both(signer):
    data = signed(signer)
    # The engine would name either list by chance.
    assert {assessed(data, trusting(SIGNERS, SIGNERS))[1] for _ in range(20)} == {("intact", "trusted", "stated")}


def test_a_time_stamp_counts_where_its_authority_is_known(signer):
    with time_stamping(stamper()) as url:
        data = signed(signer, url=url)
    assert assessed(data, BOTH)[1] == ("intact", "trusted", "stamped")
    found, axes_found = assessed(data, trusting(SIGNERS))
    assert axes_found == ("intact", "trusted", "stated")
    assert "timeStamp.untrusted" in found.meanings
    assert assessed(data, trusting(None, STAMPERS))[1] == ("intact", "untrusted", "stamped")


@pytest.mark.parametrize("shift", [-30 * DAY, 30 * DAY], ids=["not yet valid", "expired"])
def test_a_certificate_that_was_not_valid_at_the_stamped_time_is_not_trusted(shift):
    short = issued("signer", by=SIGNERS, starts=-DAY, ends=DAY)
    long = stamper(starts=-60 * DAY, ends=60 * DAY)
    with time_stamping(long, at=lambda: datetime.now(UTC) + shift) as url:
        data = signed(short, url=url)
    found, axes_found = assessed(data, BOTH)
    assert axes_found == ("intact", "untrusted", "stamped")
    assert "signingCredential.expired" in found.meanings


def test_a_stamped_file_outlives_its_certificate_and_an_unstamped_one_does_not():
    short = issued("signer", by=SIGNERS, ends=timedelta(seconds=4))
    with time_stamping(stamper()) as url:
        stamped, bare = signed(short, url=url), signed(short)
    expiry = short.certificate.not_valid_after_utc
    time.sleep(max(0.0, (expiry - datetime.now(UTC)).total_seconds()) + 1.1)
    assert assessed(stamped, BOTH)[1] == ("intact", "trusted", "stamped")
    found, axes_found = assessed(bare, BOTH)
    assert axes_found == ("intact", "untrusted", "stated")
    assert "signingCredential.expired" in found.meanings


def test_a_certificate_for_another_purpose_breaks_nothing():
    documents = issued("signer", by=SIGNERS, usages=[ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING])
    only = issued("signer", by=SIGNERS, usages=[DOCUMENT_SIGNING])
    assert assessed(signed(documents), BOTH)[1] == ("intact", "trusted", "stated")
    # The engine's own settings accept fewer purposes than ours, and so show what it says to one that it refuses.
    engine = c2pa.Context(settings=c2pa.Settings.from_dict({}))
    store = json.loads(c2pa.Reader("image/jpeg", io.BytesIO(signed(only)), context=engine).json())
    found = Assessment.of_store(store)
    assert "signingCredential.invalid" in found.meanings
    assert (found.integrity, found.trust) == (Integrity.INTACT, Trust.UNTRUSTED)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"trainedAlgorithmicMedia", b"digitalCapture_________", "assertion.hashedURI.mismatch"),
        (b"etests", b"eTESTS", "claimSignature.mismatch"),
    ],
)
def test_a_change_in_the_manifest_is_damage(signer, old, new, code):
    found, axes_found = assessed(swapped(signed(signer), old, new), BOTH)
    assert code in found.meanings
    assert axes_found[0] == "broken"


def test_a_change_in_the_content_is_damage_and_the_signer_stays_known(signer):
    data = bytearray(signed(signer))
    data[-50] ^= 1
    found, axes_found = assessed(bytes(data), BOTH)
    assert axes_found == ("broken", "trusted", "stated")
    assert found.meanings["assertion.dataHash.mismatch"] == "The content was changed after it was signed."


@pytest.mark.parametrize("media_type", ["video/mp4", "image/avif"])
def test_a_changed_box_is_damage(signer, media_type):
    data = bytearray(signed(signer, media_type=media_type))
    data[data.rindex(b"mdat") + 100] ^= 1
    found, axes_found = assessed(bytes(data), BOTH, media_type=media_type)
    assert "assertion.bmffHash.mismatch" in found.meanings
    assert axes_found[0] == "broken"


def test_axes_compare_as_the_words_that_are_printed():
    assert (Binding.HARD, Integrity.INTACT, Trust.TRUSTED, Time.STATED) == ("hard", "intact", "trusted", "stated")
