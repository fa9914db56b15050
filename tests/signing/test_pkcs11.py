import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import pytest
from certificates import issued
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pictures import encoded, photograph
from system_parts import need

from disclose.asset import Asset
from disclose.evidence import Integrity
from disclose.layers.c2pa import C2paLayer
from disclose.profile import Profile

MODULES = [Path(folder, "softhsm/libsofthsm2.so") for folder in ("/usr/lib", "/usr/lib/x86_64-linux-gnu")]
EXAMPLES = Path(__file__).parents[2] / "examples" / "signers"
PIN = "1234"


class Holder:
    """A key that stays in the token; only its public half is here."""

    def __init__(self, public_key):
        self.public_key = lambda: public_key


@pytest.fixture
def token(tmp_path, monkeypatch):
    """A new SoftHSM token, used in a process of its own: the library reads its configuration once."""
    modules = [path for path in MODULES if path.exists()]
    need(find_spec("pkcs11") is not None, "pip install 'disclose-ai[pkcs11]'")
    need(bool(modules and which("softhsm2-util")), "apt install softhsm2")
    need(which("pkcs11-tool") is not None, "apt install opensc")
    (tmp_path / "tokens").mkdir()
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    (tmp_path / "pin").write_text(PIN + "\n")
    for name, value in {
        "SOFTHSM2_CONF": configuration,
        "PKCS11_MODULE": modules[0],
        "PKCS11_TOKEN": "disclose",
        "PKCS11_KEY": "signer",
        "PKCS11_PIN_FILE": tmp_path / "pin",
        "SIGNER_CERTIFICATES": tmp_path / "certificates.pem",
        "PYTHONPATH": os.pathsep.join([str(EXAMPLES), str(Path(__file__).parents[2])]),
    }.items():
        monkeypatch.setenv(name, str(value))
    run("softhsm2-util", "--init-token", "--free", "--label", "disclose", "--so-pin", PIN, "--pin", PIN)
    return tmp_path


def run(*command, **settings):
    return subprocess.run(command, capture_output=True, check=True, timeout=60, **settings).stdout


def make_key(kind):
    """Make a key in the token, and have an authority certify it."""
    tool = ("pkcs11-tool", "--module", os.environ["PKCS11_MODULE"], "--token-label", "disclose")
    run(*tool, "--login", "--pin", PIN, "--keypairgen", "--key-type", kind, "--label", "signer", "--usage-sign")
    public_key = load_der_public_key(run(*tool, "--read-object", "--type", "pubkey", "--label", "signer"))
    root = issued("root", is_authority=True)
    above = issued("intermediate", by=root, is_authority=True)
    leaf = issued("leaf", by=above, key=Holder(public_key))
    Path(os.environ["SIGNER_CERTIFICATES"]).write_bytes(leaf.pem + above.pem)


PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from disclose.asset import Asset
from disclose.layers.c2pa import C2paLayer
from disclose.profile import Profile

profile = Profile(folder=Path("home"), signer_reference="pkcs11_token:signer")
layer = C2paLayer(signer=profile.signer, trust=profile.trust)
picture = Asset.open(Path("picture.png").read_bytes())
statement = profile.disclosure(system="Studio")
with ThreadPoolExecutor(4) as pool:
    for number, signed in enumerate(pool.map(lambda _: layer.mark(picture, statement), range(4))):
        signed.save(f"signed-{number}.png")
print(profile.signer().algorithm, profile.signer().private_key)
"""


@pytest.mark.parametrize(("kind", "algorithm"), [("EC:prime256v1", "es256"), ("rsa:2048", "ps256")])
def test_a_key_in_a_token_signs_for_four_threads_and_never_leaves_it(kind, algorithm, token):
    make_key(kind)
    (token / "picture.png").write_bytes(encoded(photograph()))
    said = run(sys.executable, "-W", "error", "-c", PROGRAM, cwd=token)
    assert said.decode().split() == [algorithm, "None"]
    profile = Profile(folder=token / "reader")
    layer = C2paLayer(signer=profile.signer, trust=profile.trust)
    for number in range(4):
        (found,) = layer.detect(Asset.open(token / f"signed-{number}.png"))
        assert found.integrity is Integrity.INTACT


FORKING = """
import os
from pathlib import Path
from disclose.asset import Asset
from disclose.layers.c2pa import C2paLayer
from disclose.profile import Profile

profile = Profile(folder=Path("home"), signer_reference="pkcs11_token:signer")
layer = C2paLayer(signer=profile.signer, trust=profile.trust)

def sign(name):
    layer.mark(Asset.open(Path("picture.png").read_bytes()), profile.disclosure(system="Studio")).save(name)

sign("signed-before.png")
if child := os.fork():
    assert os.waitpid(child, 0)[1] == 0
    sign("signed-after.png")
else:
    sign("signed-child.png")
"""


def test_a_forked_worker_signs_with_the_token_too(token):
    make_key("EC:prime256v1")
    (token / "picture.png").write_bytes(encoded(photograph()))
    run(sys.executable, "-W", "error", "-c", FORKING, cwd=token)
    assert {path.name for path in token.glob("signed-*")} == {
        "signed-before.png",
        "signed-child.png",
        "signed-after.png",
    }


def test_the_doctor_proves_a_key_in_a_token(token):
    make_key("EC:prime256v1")
    command = [sys.executable, "-W", "error", "-m", "disclose", "keys", "doctor"]
    said = run(*command, env={**os.environ, "DISCLOSE_SIGNER_REFERENCE": "pkcs11_token:signer"}).decode()
    assert "a callback signs" in said
    assert "a picture was signed, and it verifies" in said


def test_a_wrong_pin_is_named_and_not_shown(token):
    make_key("EC:prime256v1")
    (token / "pin").write_text("987654")
    command = [sys.executable, "-W", "error", "-m", "disclose", "keys", "doctor"]
    environment = {**os.environ, "DISCLOSE_SIGNER_REFERENCE": "pkcs11_token:signer"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "PinIncorrect" in done.stdout
    assert "987654" not in done.stdout + done.stderr
