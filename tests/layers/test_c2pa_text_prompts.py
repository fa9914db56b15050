"""Answers that go back to a model go without the manifests that their own signer put into them."""

from importlib.util import find_spec

import pytest
from answers import answers
from certificates import chain as make_chain
from system_parts import need_package

import disclose
from disclose import registry
from disclose.errors import DiscloseError
from disclose.integrations.prompts import unmarked
from disclose.marker import Marker


def test_own_manifests_are_taken_out_of_prompts_and_those_of_others_are_not(tmp_path):
    need_package(find_spec("c2patxt") and find_spec("c2pa_text"), "pip install 'disclose-ai[text]'")
    own, other = _signing(tmp_path / "own"), _signing(tmp_path / "other")
    documents = [
        ("text/plain", answers()[0]),
        ("text/markdown", f"# A title\n\n{answers()[1]}\n"),
        ("text/html", f"<html><head><title>A</title></head><body>{answers()[2]}</body></html>"),
    ]
    bare = "\n\n".join(text for _, text in documents)
    ours = "\n\n".join(_signed(own, *one) for one in documents)
    theirs = "\n\n".join(_signed(other, *one) for one in documents)
    assert len(ours) > len(bare) + 10_000
    assert unmarked(ours, own) == bare
    assert unmarked(f"{ours}\n{theirs}", own) == f"{bare}\n{theirs}"
    assert unmarked(theirs, own) == theirs


def _signing(folder):
    chain = make_chain("ed25519")
    folder.mkdir()
    (folder / "certificates.pem").write_bytes(chain.certificates)
    (folder / "key.pem").write_bytes(chain.leaf.key_pem())
    files = {"certificates": folder / "certificates.pem", "private_key": folder / "key.pem"}
    return disclose.Profile(folder=folder, layers=("text_pointer", "c2pa_text"), **files)


def _signed(profile, media_type, text):
    data = text.encode()
    asset = disclose.Asset(media_type=media_type, data=data, upstream=data)
    layers = [registry.create("c2pa_text", profile.resources())]
    if media_type != "text/html":
        layers = [registry.create("text_pointer", profile.resources()), *layers]
    said = disclose.Disclosure.new(system="Writer")
    return Marker(layers).mark(asset, said).data.decode()


def test_what_was_signed_in_itself_gets_no_pointer_afterwards(tmp_path):
    need_package(find_spec("c2pa_text") and find_spec("c2patxt"), "pip install 'disclose-ai[text]'")
    profile = _signing(tmp_path / "own")
    signed = _signed(profile, "text/markdown", answers()[0]).encode()
    pointer = registry.create("text_pointer", profile.resources())
    with pytest.raises(DiscloseError, match="before c2pa_text"):
        pointer.mark(disclose.Asset(media_type="text/markdown", data=signed), disclose.Disclosure.new(system="W"))
