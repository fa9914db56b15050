"""Trust lists: the certificate authorities whose signers a verifier calls known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from disclose.errors import IdentityError
from disclose.media import files

# Extended key usages of claim signers: emailProtection, documentSigning and C2PA's own claimSigning. The engine
# accepts only the first unless told, and then calls the other two invalid.
EXTENDED_KEY_USAGES = "1.3.6.1.5.5.7.3.4\n1.3.6.1.5.5.7.3.36\n1.3.6.1.4.1.62558.2.1"


@dataclass(frozen=True, kw_only=True)
class TrustList:
    """Trust anchors as PEM. An empty list trusts nobody, which makes a signer unknown and not invalid."""

    anchors: str = ""

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Return the anchors of a PEM file; raises IdentityError when there is no certificate in it."""
        from cryptography import x509

        data = files.read(path)
        try:
            x509.load_pem_x509_certificates(data)
        except ValueError as error:
            raise IdentityError(f"cannot read trust anchors from {path}: {error}") from error
        return cls(anchors=data.decode("ascii", "replace"))
