"""The examples for key services, with the services' own SDKs as far as they go on one machine."""

import hashlib
import runpy
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
from certificates import chain
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from pictures import encoded, photograph
from system_parts import need_package

from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.errors import MarkingError
from disclose.evidence import Integrity
from disclose.layers.c2pa import C2paLayer
from disclose.signing import TrustList

EXAMPLES = Path(__file__).parents[2] / "examples" / "signers"
VERSION = "projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"


@pytest.fixture
def identity(tmp_path, monkeypatch):
    made = chain()
    certificates, _ = made.write(tmp_path)
    monkeypatch.setenv("SIGNER_CERTIFICATES", str(certificates))
    return made


def signer_of(example):
    return runpy.run_path(str(EXAMPLES / example))["signer"]()


def mark(signer, times=1):
    layer = C2paLayer(signer=lambda: signer, trust=TrustList)
    picture, statement = Asset.open(encoded(photograph())), Disclosure.new(system="Studio")
    with ThreadPoolExecutor(4) as pool:
        for signed in pool.map(lambda _: layer.mark(picture, statement), range(times)):
            (found,) = layer.detect(Asset.open(signed.data))
            assert found.integrity is Integrity.INTACT


def signed_digest(identity, digest):
    return identity.leaf.key.sign(digest, ec.ECDSA(Prehashed(SHA256())))


@pytest.fixture
def aws(monkeypatch):
    need_package(find_spec("boto3") is not None, "pip install boto3")
    for name, value in {"REGION": "eu-central-1", "DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unused")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "unused")
    monkeypatch.setenv("AWS_KMS_KEY", "alias/disclose")
    import boto3

    client = boto3.client("kms")
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    return client


def test_a_request_to_aws_is_one_that_its_service_model_takes(aws, identity):
    from botocore.stub import ANY, Stubber

    asked = []
    aws.meta.events.register_first("provide-client-params.kms.Sign", lambda params, **_: asked.append(params))
    expected = {"KeyId": "alias/disclose", "Message": ANY, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
    stub = Stubber(aws)
    answer = {"Signature": b""}
    stub.add_response("sign", answer, expected)
    # The stub holds on to the answer, so that it can be signed once the digest is known.
    aws.meta.events.register_first(
        "provide-client-params.kms.Sign",
        lambda params, **_: answer.update(Signature=signed_digest(identity, params["Message"])),
    )
    with stub:
        mark(signer_of("aws_kms.py"))
    stub.assert_no_pending_responses()
    assert len(asked[0]["Message"]) == hashlib.sha256().digest_size


def test_what_aws_refuses_is_named(aws, identity):
    from botocore.stub import Stubber

    with Stubber(aws) as stub:
        stub.add_client_error("sign", "AccessDeniedException", "not authorized to perform kms:Sign")
        with pytest.raises(MarkingError, match=r"AccessDeniedException.*kms:Sign"):
            mark(signer_of("aws_kms.py"))


@pytest.fixture
def google(identity, monkeypatch):
    need_package(find_spec("google_crc32c") is not None, "pip install google-cloud-kms google-crc32c")
    monkeypatch.setenv("GOOGLE_KMS_KEY_VERSION", VERSION)
    import google_crc32c
    import grpc
    from google.cloud import kms
    from google.cloud.kms_v1.services.key_management_service import transports

    def asymmetric_sign(request, context):
        digest = request.digest.sha256
        assert (request.name, request.digest_crc32c) == (VERSION, google_crc32c.value(digest))
        signature = signed_digest(identity, digest)
        checksum = google_crc32c.value(signature)
        return kms.AsymmetricSignResponse(
            signature=signature, signature_crc32c=checksum, verified_digest_crc32c=True, name=VERSION
        )

    method = grpc.unary_unary_rpc_method_handler(
        asymmetric_sign, kms.AsymmetricSignRequest.deserialize, kms.AsymmetricSignResponse.serialize
    )
    service = "google.cloud.kms.v1.KeyManagementService"
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"AsymmetricSign": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    client = kms.KeyManagementServiceClient(
        transport=transports.KeyManagementServiceGrpcTransport(channel=channel, host="127.0.0.1")
    )
    monkeypatch.setattr(kms, "KeyManagementServiceClient", lambda: client)
    yield
    channel.close()
    server.stop(None).wait()


def test_google_s_client_signs_over_grpc_for_four_threads(google):
    mark(signer_of("google_cloud_kms.py"), times=4)


def test_azure_s_client_signs_with_a_key_in_its_own_form(identity, monkeypatch):
    need_package(find_spec("azure") is not None, "pip install azure-keyvault-keys azure-identity")
    monkeypatch.setenv("AZURE_KEY_ID", "https://vault.example/keys/signer/1")
    from azure.keyvault.keys import crypto

    numbers = identity.leaf.key.private_numbers()
    key = {"kid": "signer", "kty": "EC", "crv": "P-256", "key_ops": ["sign", "verify"]}
    points = {"x": numbers.public_numbers.x, "y": numbers.public_numbers.y, "d": numbers.private_value}
    web_key = {**key, **{name: number.to_bytes(32, "big") for name, number in points.items()}}
    at_hand = crypto.CryptographyClient.from_jwk(web_key)
    monkeypatch.setattr(crypto, "CryptographyClient", lambda key_id, credential: at_hand)
    mark(signer_of("azure_key_vault.py"), times=4)
