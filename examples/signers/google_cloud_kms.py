"""Sign with an asymmetric key in Google Cloud KMS (EC_SIGN_P256_SHA256, EC_SIGN_P384_SHA384, RSA_SIGN_PSS_…).

    pip install google-cloud-kms google-crc32c
    DISCLOSE_SIGNER_REFERENCE=google_cloud_kms:signer    # with this file's folder on PYTHONPATH

GOOGLE_KMS_KEY_VERSION is projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/…, SIGNER_CERTIFICATES a
PEM file: the leaf first, then the intermediates, without the root. Credentials come as for every Google Cloud tool;
the account needs cloudkms.cryptoKeyVersions.useToSign. Start worker processes before the first signature: gRPC does not
survive a fork.

Run with google-cloud-kms 3 over gRPC against a server of the tests' own; not against Google Cloud.
"""

import hashlib
import os
from pathlib import Path

import google_crc32c
from google.cloud import kms

from disclose.signing import Signer


def signer() -> Signer:
    """Return a signer for the key version that the environment names; the key never leaves Google Cloud."""
    client = kms.KeyManagementServiceClient()
    version = os.environ["GOOGLE_KMS_KEY_VERSION"]

    def sign(data: bytes) -> bytes:
        name = f"sha{made.algorithm[2:]}"
        digest = hashlib.new(name, data).digest()
        request = {"name": version, "digest": {name: digest}, "digest_crc32c": google_crc32c.value(digest)}
        # Shorter than the signer's time limit of 10 seconds, so that it is Google's own error that is reported.
        answer = client.asymmetric_sign(request=request, timeout=8)
        if not answer.verified_digest_crc32c or answer.signature_crc32c != google_crc32c.value(answer.signature):
            raise OSError("the request or the answer was damaged on its way: try again")
        return answer.signature

    made = Signer.from_callback(Path(os.environ["SIGNER_CERTIFICATES"]).read_bytes(), sign)
    return made
