"""Sign with a key in a PKCS#11 token: a hardware security module, a smart card, SoftHSM.

    pip install 'disclose-ai[pkcs11]'
    DISCLOSE_SIGNER_REFERENCE=pkcs11_token:signer    # with this file's folder on PYTHONPATH

PKCS11_MODULE is the token's library, PKCS11_TOKEN and PKCS11_KEY are labels, PKCS11_PIN_FILE holds the PIN, and
SIGNER_CERTIFICATES is a PEM file: the leaf first, then the intermediates, without the root.

Run in the tests of disclose against SoftHSM 2.6 with keys of EC P-256 and RSA; not against a hardware token.
"""

import hashlib
import os
import threading
from pathlib import Path

import pkcs11
from pkcs11 import MGF, Mechanism, ObjectClass

from disclose.signing import Signer

_HASHES = {
    "256": (Mechanism.SHA256, MGF.SHA256),
    "384": (Mechanism.SHA384, MGF.SHA384),
    "512": (Mechanism.SHA512, MGF.SHA512),
}
_PROCESS = os.getpid()


def signer() -> Signer:
    """Return a signer for the token that the environment names; the key never leaves it."""
    library = pkcs11.lib(os.environ["PKCS11_MODULE"])
    if os.getpid() != _PROCESS:
        # What a forked process inherits of the library is not its own (PKCS#11 2.20, 6.6.1); disclose asks here anew.
        library.reinitialize()
    token = library.get_token(token_label=os.environ["PKCS11_TOKEN"])
    session = token.open(user_pin=Path(os.environ["PKCS11_PIN_FILE"]).read_text().strip())
    key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=os.environ["PKCS11_KEY"])
    # A session does one thing at a time.
    one_at_a_time = threading.Lock()

    def sign(data: bytes) -> bytes:
        digest = hashlib.new(f"sha{made.algorithm[2:]}", data).digest()
        with one_at_a_time:
            if made.algorithm.startswith("es"):
                return bytes(key.sign(digest, mechanism=Mechanism.ECDSA))
            parameters = (*_HASHES[made.algorithm[2:]], len(digest))
            return bytes(key.sign(digest, mechanism=Mechanism.RSA_PKCS_PSS, mechanism_param=parameters))

    made = Signer.from_callback(Path(os.environ["SIGNER_CERTIFICATES"]).read_bytes(), sign)
    return made
