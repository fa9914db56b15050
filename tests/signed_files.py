"""Files signed in every good and bad way for the tests, by the engine itself and past our own checks."""

import io
import json

import c2pa
from media_files import small_file

from disclose.signing import TrustList

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CREATED = {"action": "c2pa.created", "digitalSourceType": GENERATED}


def signed(party, *, chain=b"", media_type="image/jpeg", data=None, url=None, assertions=(), algorithm="es256", **more):
    """Return a file signed by *party* (a certificate and its key), with time-stamps from *url* where given."""
    actions = {"label": "c2pa.actions.v2", "data": {"actions": [CREATED]}}
    definition = {"claim_generator_info": [{"name": "tests"}], "assertions": [actions, *assertions], **more}
    info = c2pa.C2paSignerInfo(algorithm.encode(), party.pem + chain, party.key_pem(), url and url.encode())
    builder = c2pa.Builder(json.dumps(definition), context=context())
    result = io.BytesIO()
    source = small_file(media_type) if data is None else data
    builder.sign(c2pa.Signer.from_info(info), media_type, io.BytesIO(source), result)
    return result.getvalue()


def read(data, trust=None, media_type="image/jpeg"):
    """Return what the engine reads in *data*, validated with the authorities of *trust*."""
    return json.loads(c2pa.Reader(media_type, io.BytesIO(data), context=context(trust)).json())


def context(trust=None):
    """Return an engine's context with the authorities of *trust* that signs whatever it is given."""
    settings = {
        "trust": (trust or TrustList()).settings(),
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": False},
        "core": {"allowed_network_hosts": []},
        "builder": {"thumbnail": {"enabled": False}},
    }
    return c2pa.Context(settings=c2pa.Settings.from_dict(settings))


def swapped(data, old, new):
    """Return *data* with *old*, which has to be in it, replaced by as many bytes of *new*."""
    assert old in data
    assert len(old) == len(new)
    return data.replace(old, new)
