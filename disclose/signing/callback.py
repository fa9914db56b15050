"""The guarded callback: ask whoever holds the key for one signature, and believe nothing until it verifies."""

from __future__ import annotations

from collections.abc import Callable

from disclose.errors import MarkingError
from disclose.signing.signatures import signing, verified
from disclose.signing.signer import Signer, load_private_key
from disclose.signing.time_limit import within


class GuardedCallback:
    """What signs one file for *signer*; make a new one for each.

    Returns a signature that verifies under the leaf's key, in the form COSE carries, or nothing: then ``failure``
    holds the reason. The engine below swallows what a callback raises and logs its text, so nothing is raised here.
    """

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self.failure: BaseException | None = None
        self.has_signed = False

    def __call__(self, data: bytes) -> bytes:
        """Return the signature of *data*, or nothing."""
        try:
            signature = self._verified(self._asked(data), data)
        except BaseException as error:
            self.failure = error
            return b""
        self.has_signed = True
        return signature

    def _asked(self, data: bytes) -> object:
        signer = self._signer
        if signer.sign is None:
            return _signing_of(signer)(data)
        ask = signer.sign
        try:
            return within(signer.time_limit, lambda: ask(data))
        except TimeoutError as error:
            if error.args:
                raise self._raised(error) from error
            raise MarkingError(
                f"the callback that signs for {signer.subject} gave no signature within {signer.time_limit:g} seconds:"
                " see whether the key service answers, or raise the signer's time_limit"
            ) from error
        except Exception as error:
            raise self._raised(error) from error

    def _raised(self, error: Exception) -> MarkingError:
        return MarkingError(
            f"the callback that signs for {self._signer.subject} raised {type(error).__name__}: {error}"
        )

    def _verified(self, signature: object, data: bytes) -> bytes:
        from cryptography.exceptions import InvalidSignature

        signer = self._signer
        if not isinstance(signature, bytes | bytearray | memoryview):
            raise MarkingError(
                f"the callback that signs for {signer.subject} returned {type(signature).__name__}: it has to return"
                " the signature's bytes"
            )
        try:
            return verified(bytes(signature), data, signer.leaf.public_key(), signer.algorithm)
        except InvalidSignature as error:
            raise MarkingError(
                f"the callback that signs for {signer.subject} returned {len(signature)} bytes that are no"
                f" {signer.algorithm} signature under the public key of its certificate: see that it signs the bytes"
                " themselves (not their digest twice), with the key that the certificate belongs to"
            ) from error


def _signing_of(signer: Signer) -> Callable[[bytes], bytes]:
    assert signer.private_key is not None
    return signing(load_private_key(signer.private_key), signer.algorithm)
