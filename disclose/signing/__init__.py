"""Signing: who signs, with which certificates, and whom a verifier trusts."""

from disclose.signing.signer import Signer
from disclose.signing.trust import TrustList

__all__ = ["Signer", "TrustList"]
