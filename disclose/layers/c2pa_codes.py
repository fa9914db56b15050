"""C2PA validation codes: what each says of integrity, trust or time, and what it means in plain words.

The engine's own overall state is not used: what "Valid" includes moves between its versions, and an untrusted
signer counts as a failure in one and not in the other. The table holds the codes of C2PA 2.2 to 2.4, 15, and those
that c2pa-rs 0.91.3 has beyond them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Self

from disclose.evidence import Integrity, Time, Trust
from disclose.signing.trust import SIGNERS, TIMESTAMPS

_INTACT, _BROKEN = Integrity.INTACT, Integrity.BROKEN
_KNOWN, _UNKNOWN_SIGNER = Trust.TRUSTED, Trust.UNTRUSTED


@dataclass(frozen=True)
class Code:
    """One validation code: the *value* it gives an axis (None: it gives none) and what it *means* for people."""

    name: str
    value: Integrity | Trust | Time | None
    means: str


_TABLE = (
    # The claim and its signature.
    Code("claimSignature.validated", _INTACT, "The signature fits what was signed."),
    Code("claimSignature.insideValidity", None, "The certificate was valid when the manifest was signed."),
    Code("claimSignature.outsideValidity", _UNKNOWN_SIGNER, "The certificate was not valid at the time of signing."),
    Code("claimSignature.mismatch", _BROKEN, "The signature does not fit: the manifest was changed after signing."),
    Code("claimSignature.missing", _BROKEN, "The manifest carries no signature."),
    Code("claim.malformed", _BROKEN, "The signed claim cannot be read."),
    Code("claim.cbor.invalid", _BROKEN, "The signed claim is not well-formed."),
    Code("claim.missing", _BROKEN, "The manifest holds no claim."),
    Code("claim.multiple", _BROKEN, "The manifest holds more than one claim."),
    Code("claim.required.missing", _BROKEN, "The claim lacks a field that it must have."),
    Code("claim.hardBindings.missing", _BROKEN, "Nothing ties the manifest to this content."),
    # What ties the manifest to the content.
    Code("assertion.dataHash.match", _INTACT, "The bytes of the file are those that were signed."),
    Code("assertion.bmffHash.match", _INTACT, "The boxes of the file are those that were signed."),
    Code("assertion.boxesHash.match", _INTACT, "The sections of the file are those that were signed."),
    Code("assertion.collectionHash.match", _INTACT, "The files in the collection are those that were signed."),
    Code("assertion.multiAssetHash.match", None, "The parts of the file are those that were signed."),
    Code("assertion.dataHash.mismatch", _BROKEN, "The content was changed after it was signed."),
    Code("assertion.bmffHash.mismatch", _BROKEN, "The content was changed after it was signed."),
    Code("assertion.boxesHash.mismatch", _BROKEN, "The content was changed after it was signed."),
    Code("assertion.boxesHash.unknownBox", _BROKEN, "The file holds a section that was not signed."),
    Code("assertion.collectionHash.mismatch", _BROKEN, "A file of the collection was changed after it was signed."),
    Code("assertion.collectionHash.incorrectFileCount", _BROKEN, "Files of the collection are missing or new."),
    Code("assertion.collectionHash.invalidURI", _BROKEN, "The collection names a file outside itself."),
    Code("assertion.multiAssetHash.mismatch", _BROKEN, "A part of the file was changed after it was signed."),
    Code("assertion.multiAssetHash.missingPart", _BROKEN, "A signed part of the file is missing."),
    Code("assertion.dataHash.malformed", _BROKEN, "The hash of the content cannot be read."),
    Code("assertion.bmffHash.malformed", _BROKEN, "The hash of the content cannot be read."),
    Code("assertion.boxesHash.malformed", _BROKEN, "The hash of the content cannot be read."),
    Code("assertion.collectionHash.malformed", _BROKEN, "The hash of the collection cannot be read."),
    Code("assertion.multiAssetHash.malformed", _BROKEN, "The hash of the parts cannot be read."),
    Code("assertion.dataHash.redacted", _BROKEN, "The hash of the content was taken out."),
    Code("assertion.hardBinding.redacted", _BROKEN, "The hash of the content was taken out."),
    Code("assertion.multipleHardBindings", _BROKEN, "The manifest is tied to content in more than one way."),
    # TIFF and the ISO formats cannot be signed without: offsets and the first box are written anew. Nothing follows.
    Code("assertion.dataHash.additionalExclusionsPresent", None, "Parts of the file are left out of the hash."),
    Code("assertion.bmffHash.additionalExclusionsPresent", None, "Parts of the file are left out of the hash."),
    Code("assertion.boxesHash.additionalExclusionsPresent", None, "Parts of the file are left out of the hash."),
    # What the manifest says.
    Code("assertion.hashedURI.match", None, "A statement in the manifest is as it was signed."),
    Code("assertion.hashedURI.mismatch", _BROKEN, "A statement in the manifest was changed after signing."),
    Code("hashedURI.mismatch", _BROKEN, "Something that the manifest refers to was changed after signing."),
    Code("hashedURI.missing", _BROKEN, "Something that the manifest refers to is missing."),
    Code("assertion.accessible", None, "A statement kept elsewhere could be read."),
    Code("assertion.inaccessible", _BROKEN, "A statement kept elsewhere could not be read."),
    Code("assertion.missing", _BROKEN, "A signed statement is missing from the manifest."),
    Code("assertion.undeclared", _BROKEN, "The manifest holds a statement that was not signed."),
    Code("assertion.outsideManifest", _BROKEN, "The claim refers to a statement outside its own manifest."),
    Code("assertion.notRedacted", _BROKEN, "A statement that was to be taken out is still there."),
    Code("assertion.selfRedacted", _BROKEN, "The manifest takes out its own statements."),
    Code("assertion.required.missing", _BROKEN, "A statement lacks a field that it must have."),
    Code("assertion.json.invalid", _BROKEN, "A statement is not well-formed."),
    Code("assertion.cbor.invalid", _BROKEN, "A statement is not well-formed."),
    Code("assertion.action.malformed", _BROKEN, "The list of what was done cannot be read."),
    Code("assertion.action.missing", _BROKEN, "The list of what was done is missing."),
    Code("assertion.action.ingredientMismatch", _BROKEN, "The list of what was done names a source that is not there."),
    Code("assertion.action.redacted", _BROKEN, "The list of what was done was taken out."),
    Code("assertion.action.redactionMismatch", _BROKEN, "A removal is listed that cannot be found."),
    Code("assertion.action.softBindingMissing", _BROKEN, "A watermark is claimed that the manifest does not describe."),
    Code("assertion.ingredient.malformed", _BROKEN, "The description of a source cannot be read."),
    Code("assertion.metadata.disallowed", _BROKEN, "The metadata statement holds a field that is not allowed there."),
    Code("assertion.timestamp.malformed", _BROKEN, "The statement that holds time-stamps cannot be read."),
    Code("assertion.cloud-data.actions", _BROKEN, "The list of what was done is kept elsewhere, which is not allowed."),
    Code("assertion.cloud-data.hardBinding", _BROKEN, "The hash of the content is kept elsewhere."),
    Code("assertion.cloud-data.labelMismatch", _BROKEN, "A statement kept elsewhere is not the one announced."),
    Code("assertion.cloud-data.malformed", _BROKEN, "A reference to a statement kept elsewhere cannot be read."),
    Code("assertion.external-reference.actions", _BROKEN, "The list of what was done is kept elsewhere."),
    Code("assertion.external-reference.created", _BROKEN, "Something kept elsewhere is claimed as the signer's own."),
    Code("assertion.external-reference.hardBinding", _BROKEN, "The hash of the content is kept elsewhere."),
    Code("assertion.external-reference.malformed", _BROKEN, "A reference to something elsewhere cannot be read."),
    Code("assertion.alternativeContentRepresentation.match", None, "Another form of it is as it was signed."),
    Code("assertion.alternativeContentRepresentation.hashMismatch", _BROKEN, "Another form of it was changed."),
    Code("assertion.alternativeContentRepresentation.malformed", _BROKEN, "Another form of it is unreadable."),
    Code("assertion.alternativeContentRepresentation.missing", _BROKEN, "Another form of it is missing."),
    # The manifest as a whole.
    Code("manifest.missing", _BROKEN, "A manifest that is referred to is missing."),
    Code("manifest.inaccessible", _BROKEN, "The manifest is kept elsewhere and was not fetched."),
    Code("manifest.multipleParents", _BROKEN, "The manifest names more than one earlier version."),
    Code("manifest.compressed.invalid", _BROKEN, "The compressed manifest cannot be unpacked."),
    Code("manifest.update.invalid", _BROKEN, "An update to the manifest holds what an update must not."),
    Code("manifest.update.wrongParents", _BROKEN, "An update to the manifest does not name one earlier version."),
    Code("manifest.timestamp.invalid", _BROKEN, "A time-stamp manifest holds what it must not."),
    Code("manifest.timestamp.wrongParents", _BROKEN, "A time-stamp manifest does not name one earlier version."),
    Code("manifest.unknownProvenance", None, "A manifest is in a form that this version cannot read."),
    Code("manifest.unreferenced", _BROKEN, "The file carries a manifest that was put in beside what was signed."),
    Code("algorithm.deprecated", None, "The signature uses an algorithm that is no longer recommended."),
    Code("algorithm.unsupported", _BROKEN, "The manifest uses an algorithm that is not allowed."),
    Code("general.error", _BROKEN, "The manifest could not be checked."),
    Code("com.adobe.prerelease", _BROKEN, "The manifest is in a form from before the standard."),
    # What the content was made from: signed together with the manifest.
    Code("ingredient.manifest.validated", None, "The manifest of a source is as it was signed."),
    Code("ingredient.claimSignature.validated", None, "The signature of a source is as it was signed."),
    Code("ingredient.unknownProvenance", None, "A source came without a manifest."),
    Code("ingredient.manifest.missing", _BROKEN, "The manifest of a source is missing."),
    Code("ingredient.manifest.mismatch", _BROKEN, "The manifest of a source was changed after signing."),
    Code("ingredient.claimSignature.missing", _BROKEN, "The signature of a source is missing."),
    Code("ingredient.claimSignature.mismatch", _BROKEN, "The signature of a source was changed after signing."),
    Code("ingredient.hashedURI.mismatch", _BROKEN, "The manifest of a source was changed after signing."),
    # Who signed.
    Code("signingCredential.trusted", _KNOWN, "The signer is known: its authority is on the trust list."),
    Code("signingCredential.untrusted", _UNKNOWN_SIGNER, "The signer is unknown: its authority is on no trust list."),
    Code("signingCredential.invalid", _UNKNOWN_SIGNER, "The certificate is not one that manifests are signed with."),
    Code("signingCredential.expired", _UNKNOWN_SIGNER, "The certificate is not valid at the time that counts: the"
         " time that a known authority stamped, else now."),
    Code("signingCredential.revoked", _UNKNOWN_SIGNER, "The certificate was withdrawn by its authority."),
    Code("signingCredential.ocsp.revoked", _UNKNOWN_SIGNER, "The certificate was withdrawn by its authority."),
    Code("signingCredential.ocsp.notRevoked", None, "The certificate's authority said that it was not withdrawn."),
    Code("signingCredential.ocsp.skipped", None, "Nobody was asked whether the certificate was withdrawn."),
    Code("signingCredential.ocsp.inaccessible", None, "Whether the certificate was withdrawn could not be asked."),
    Code("signingCredential.ocsp.unknown", None, "The authority does not know whether the certificate was withdrawn."),
    # When.
    Code("timeStamp.trusted", Time.STAMPED, "A known authority vouches for the time of signing."),
    Code("timeStamp.validated", None, "The time-stamp fits what was signed."),
    Code("timeStamp.untrusted", Time.STATED, "The time-stamp is by an authority on no trust list."),
    Code("timeStamp.mismatch", Time.STATED, "The time-stamp belongs to something else."),
    Code("timeStamp.malformed", Time.STATED, "The time-stamp cannot be read."),
    Code("timeStamp.outsideValidity", Time.STATED, "The time-stamp was made while its certificate was not valid."),
    Code("timeStamp.credentialInvalid", Time.STATED, "The time-stamp is signed with a certificate not made for that."),
    Code("timeOfSigning.insideValidity", None, "The stated time lies within the certificate's validity."),
    Code("timeOfSigning.outsideValidity", None, "The stated time lies outside the certificate's validity."),
)  # fmt: skip

CODES: Mapping[str, Code] = MappingProxyType({code.name: code for code in _TABLE})

_SIGNED = "claimSignature.validated"
_BINDING_MATCHES = frozenset(code.name for code in _TABLE if code.value is _INTACT and code.name != _SIGNED)
_SOMEBODY_NAMED = "cawg."
_TIMESTAMPS_ONLY = "The signer's authority is known for time-stamps only, which says nothing about its signers."


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What the validation of one manifest amounts to; ``meanings`` is {code: sentence} for all that is remarkable."""

    integrity: Integrity
    trust: Trust
    time: Time
    meanings: Mapping[str, str]

    @classmethod
    def of_store(cls, store: Mapping[str, Any]) -> Self:
        """Return what *store*, the reader's ``json()`` parsed, says of its active manifest.

        A manifest that no other refers to makes the whole be rejected (C2PA 2.2, 15.11.3); the engine lets it pass.
        It can be put in without any key, where COSE leaves room unsigned, and vouch for what was changed elsewhere.
        """
        found = cls.of(store.get("validation_results") or {})
        if not _unreferenced(store):
            return found
        meanings = {**found.meanings, "manifest.unreferenced": _meaning("manifest.unreferenced")}
        return replace(found, integrity=Integrity.BROKEN, meanings=MappingProxyType(meanings))

    @classmethod
    def of(cls, results: Mapping[str, Any]) -> Self:
        """Return what *results*, the reader's ``validation_results``, say of the active manifest.

        Two things count that the engine (c2pa-rs 0.91.3) leaves aside: a source whose manifest is no longer the one
        that was signed (``ingredientDeltas``), and in which list the signer's authority stands (``trustListUri``),
        for it takes an authority for time-stamps just as well.
        """
        codes = results.get("activeManifest") or {}
        integrity, trust, time = axes(codes)
        meanings = {name: _meaning(name) for name in _names(codes, "success") if _is_telling(name)}
        meanings |= {name: _meaning(name) for name in _names(codes, "failure", "informational")}
        if changed := _changed_sources(results):
            integrity = Integrity.BROKEN
            meanings |= {name: _meaning(name) for name in changed}
        if "signingCredential.trusted" in meanings and results.get("trustListUri") != SIGNERS:
            trust = Trust.UNTRUSTED
            meanings["signingCredential.trusted"] = _TIMESTAMPS_ONLY
        return cls(integrity=integrity, trust=trust, time=time, meanings=MappingProxyType(meanings))


def axes(codes: Mapping[str, Any]) -> tuple[Integrity, Trust, Time]:
    """Return what a manifest's validation *codes* (success, informational, failure) say of integrity, trust, time.

    A failure that the table does not know breaks the integrity: what cannot be judged must not pass for intact.
    """
    succeeded, failed = _names(codes, "success"), _names(codes, "failure")
    remarked = failed + _names(codes, "informational")
    values = {CODES[name].value for name in remarked if name in CODES}
    if Integrity.BROKEN in values or any(_is_unheard_of(name) for name in failed):
        integrity = Integrity.BROKEN
    elif _SIGNED in succeeded and not _BINDING_MATCHES.isdisjoint(succeeded):
        integrity = Integrity.INTACT
    else:
        integrity = Integrity.UNKNOWN
    if Trust.UNTRUSTED in values or _is_for_time_stamps_only(codes):
        trust = Trust.UNTRUSTED
    else:
        trust = Trust.TRUSTED if "signingCredential.trusted" in succeeded else Trust.UNKNOWN
    time = Time.STAMPED if "timeStamp.trusted" in succeeded else Time.STATED
    return integrity, trust, time


def failures(codes: Mapping[str, Any]) -> list[str]:
    """Return the names of the codes that say what failed; an unknown signer is among them and breaks nothing."""
    return _names(codes, "failure")


def _changed_sources(results: Mapping[str, Any]) -> list[str]:
    """Return the codes of sources that are not as they were signed; what was wrong before is in their own results."""
    deltas = [item.get("validationDeltas") or {} for item in results.get("ingredientDeltas") or []]
    failed = [name for delta in deltas for name in _names(delta, "failure")]
    return [name for name in failed if name.startswith("ingredient.")]


def _unreferenced(store: Mapping[str, Any]) -> set[str]:
    """Return the labels of manifests that do not lead back to the active one."""
    manifests = store.get("manifests") or {}
    reached: set[str] = set()
    waiting = [str(store.get("active_manifest"))]
    while waiting:
        label = waiting.pop()
        if label in manifests and label not in reached:
            reached.add(label)
            waiting += [str(item.get("active_manifest")) for item in manifests[label].get("ingredients") or []]
    return set(manifests) - reached


def _is_telling(name: str) -> bool:
    return name in CODES and CODES[name].value is not None


def _is_for_time_stamps_only(codes: Mapping[str, Any]) -> bool:
    # The engine trusts an authority for whatever it is asked about, and says only in words which list it stands in.
    found = [item for item in codes.get("success") or [] if item.get("code") == "signingCredential.trusted"]
    return any(f"[{TIMESTAMPS}]" in str(item.get("explanation", "")) for item in found)


def _names(codes: Mapping[str, Any], *kinds: str) -> list[str]:
    return [str(item.get("code", "")) for kind in kinds for item in codes.get(kind) or []]


def _is_unheard_of(name: str) -> bool:
    # A person or organisation that names itself beside the signer (CAWG identity assertion) is not what is signed.
    return name not in CODES and not name.startswith(_SOMEBODY_NAMED)


def _meaning(name: str) -> str:
    if name in CODES:
        return CODES[name].means
    if name.startswith(_SOMEBODY_NAMED):
        return "About somebody who is named in the manifest beside the signer."
    return "This version does not know the code; among failures it counts as damage."
