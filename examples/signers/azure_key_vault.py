"""Sign with a key in Azure Key Vault or Managed HSM (EC P-256, P-384, P-521 or RSA).

    pip install azure-keyvault-keys azure-identity
    DISCLOSE_SIGNER_REFERENCE=azure_key_vault:signer     # with this file's folder on PYTHONPATH

AZURE_KEY_ID is https://….vault.azure.net/keys/NAME/VERSION, SIGNER_CERTIFICATES a PEM file: the leaf first, then the
intermediates, without the root. Credentials come as for every Azure tool; the identity needs the action sign.

Run with azure-keyvault-keys 4 and a key at hand (CryptographyClient.from_jwk); not against Azure.
"""

import hashlib
import os
from pathlib import Path

from azure.identity import DefaultAzureCredential
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm

from disclose.signing import Signer


def signer() -> Signer:
    """Return a signer for the key that the environment names; the key never leaves Azure."""
    # Named with its version: a new version has a certificate of its own.
    client = CryptographyClient(os.environ["AZURE_KEY_ID"], DefaultAzureCredential())

    def sign(data: bytes) -> bytes:
        digest = hashlib.new(f"sha{made.algorithm[2:]}", data).digest()
        return client.sign(SignatureAlgorithm(made.algorithm.upper()), digest).signature

    made = Signer.from_callback(Path(os.environ["SIGNER_CERTIFICATES"]).read_bytes(), sign)
    return made
