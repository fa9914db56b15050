"""Recovery: the manifest that a file has lost, found by its watermark, and how far it can be believed.

It was signed for other bytes, so that it is never intact here: what it says of itself, its signature and its signer, is
checked, and what ties it to the file is the watermark, held against the record's fingerprint.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from disclose.errors import DiscloseError
from disclose.evidence import Basis, Binding, Evidence, Integrity, Trust, Verdict

if TYPE_CHECKING:
    from disclose.profile import Profile

_OTHER_BYTES = frozenset({"assertion.dataHash.mismatch", "assertion.bmffHash.mismatch", "assertion.boxesHash.mismatch"})
"""What fails of a whole manifest when it is read without the bytes that it was signed for."""
_TRUST = {
    Trust.TRUSTED: "a signer on a trust list",
    Trust.UNTRUSTED: "a signer not on a trust list",
    Trust.UNKNOWN: "a signer that was not checked",
}


def with_recovered(profile: Profile, verdict: Verdict) -> Verdict:
    """Return *verdict* with a finding for the manifest that was recovered, if one was; the outcome is as it was."""
    found = _recovered(profile, verdict)
    return verdict if found is None else replace(verdict, evidence=(*verdict.evidence, found))


def _recovered(profile: Profile, verdict: Verdict) -> Evidence | None:
    if any(one.layer == "c2pa" for one in verdict.evidence):
        return None
    # A watermark that was copied leads to a record that is bound to something else.
    led = [
        one
        for one in verdict.evidence
        if one.basis is Basis.RECORD and one.binding is Binding.SOFT and "sequence" in one.details
    ]
    for record in led:
        try:
            if (store := _kept(profile, record.details["sequence"])) is not None:
                return _finding(store, record)
        except DiscloseError:
            # What is found all the same still counts.
            continue
    return None


def _kept(profile: Profile, entry: int) -> dict[str, Any] | None:
    """Return the validated manifest store that is kept with the record *entry*, or None."""
    from disclose.layers.c2pa_engine import Engine
    from disclose.ledger.manifests import Manifests

    store = Manifests(profile.ledger()).of_record(entry)
    if store is None:
        return None
    return Engine(signer=profile.signer, trust=profile.trust).read("application/c2pa", store)


def _finding(store: dict[str, Any], record: Evidence) -> Evidence | None:
    """Return what the recovered *store* says; None where more is wrong with it than that its bytes are not there."""
    from disclose.layers.c2pa_codes import CODES, Assessment

    assessment = Assessment.of_store(store)
    failed = {name for name in assessment.meanings if name not in CODES or CODES[name].value is Integrity.BROKEN}
    if "claimSignature.validated" not in assessment.meanings or not failed or not failed <= _OTHER_BYTES:
        return None
    return Evidence(
        layer="c2pa",
        basis=Basis.METADATA,
        binding=Binding.SOFT,
        trust=assessment.trust,
        time=assessment.time,
        id=record.id,
        summary="the signed manifest that this file lost was recovered by its watermark,"
        f" from {_TRUST[assessment.trust]}: it was made for other bytes, and vouches for none of these",
        details={"recovered": store.get("active_manifest"), "failures": sorted(failed)},
    )
