import pytest
from certificates import chain

from disclose.errors import IdentityError
from disclose.signing import Signer
from disclose.signing.signatures import signing

MODULE = """
from dataclasses import dataclass
from disclose.errors import IdentityError
from disclose.signing import Signer

made = []
number = 7

def signer():
    return made[0]

class Keys:
    signer = staticmethod(signer)

def other():
    return "a signer"

def broken():
    raise ConnectionError("no route to the key service")

def refused():
    raise IdentityError("the certificate has gone: order another")
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    import sys

    (tmp_path / "acme_keys.py").write_text(MODULE)
    (tmp_path / "acme_needs.py").write_text("import acme_missing_part\n")
    (tmp_path / "acme_broken.py").write_text("raise RuntimeError('no configuration')\n")
    monkeypatch.syspath_prepend(tmp_path)
    import acme_keys

    yield acme_keys
    for name in ("acme_keys", "acme_needs", "acme_broken"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("function", ["signer", "Keys.signer"])
def test_a_reference_leads_to_the_signer_that_its_function_makes(function, module):
    identity = chain()
    module.made.append(Signer.from_callback(identity.certificates, signing(identity.leaf.key, "es256")))
    assert Signer.from_reference(f"acme_keys:{function}") is module.made[0]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("acme_keys", "is not of the form package.module:function"),
        (":signer", "is not of the form package.module:function"),
        ("acme_keys:", "is not of the form package.module:function"),
        ("acme_nowhere:signer", "there is no module acme_nowhere; install .* PYTHONPATH"),
        ("acme_nowhere.keys:signer", "there is no module acme_nowhere; install"),
        ("acme_needs:signer", "acme_needs needs acme_missing_part, which is not installed"),
        ("acme_broken:signer", "importing acme_broken failed: RuntimeError.*no configuration"),
        ("acme_keys:nobody", "acme_keys has no nobody"),
        ("acme_keys:number", "names int: name a function"),
        ("acme_keys:other", "returned str: its function has to return a disclose.signing.Signer"),
        ("acme_keys:broken", "calling it failed: ConnectionError.*no route"),
        ("acme_keys:refused", "^the certificate has gone"),
    ],
)
def test_a_reference_that_leads_to_no_signer_says_why_and_what_to_do(reference, said, module):
    with pytest.raises(IdentityError, match=said):
        Signer.from_reference(reference)
