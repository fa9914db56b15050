"""Sign with an asymmetric key in AWS KMS (key usage SIGN_VERIFY; ECC_NIST_P256, P384, P521 or RSA).

    pip install boto3
    DISCLOSE_SIGNER_REFERENCE=aws_kms:signer         # with this file's folder on PYTHONPATH

AWS_KMS_KEY is the key's id, ARN or alias, SIGNER_CERTIFICATES a PEM file: the leaf first, then the intermediates,
without the root. Credentials and region come as for every AWS tool; the role needs kms:Sign on that key.

Run with boto3 1.44 against botocore's own stub, which checks the request by the service's model; not against AWS.
"""

import hashlib
import os
from pathlib import Path

import boto3
from botocore.config import Config

from disclose.signing import Signer

_NAMES = {"es": "ECDSA_SHA_", "ps": "RSASSA_PSS_SHA_"}
# Shorter than the signer's time limit of 10 seconds, so that it is AWS's own error that is reported.
_PATIENCE = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})


def signer() -> Signer:
    """Return a signer for the key that the environment names; the key never leaves AWS."""
    # Clients may be used by many threads at once, unlike sessions.
    kms = boto3.client("kms", config=_PATIENCE)
    key = os.environ["AWS_KMS_KEY"]

    def sign(data: bytes) -> bytes:
        bits = made.algorithm[2:]
        answer = kms.sign(
            KeyId=key,
            # The digest, because a message may have 4,096 bytes at most.
            Message=hashlib.new(f"sha{bits}", data).digest(),
            MessageType="DIGEST",
            SigningAlgorithm=_NAMES[made.algorithm[:2]] + bits,
        )
        return answer["Signature"]

    made = Signer.from_callback(Path(os.environ["SIGNER_CERTIFICATES"]).read_bytes(), sign)
    return made
