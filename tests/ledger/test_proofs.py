import base64
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import append
from sqlalchemy import insert

from disclose.errors import LedgerError
from disclose.ledger import Ledger
from disclose.ledger.checkpoint import Checkpoint, VerifierKey, signed
from disclose.ledger.export import exported, imported
from disclose.ledger.notices import Happening, NoticeLog, State
from disclose.ledger.proof import Proof
from disclose.ledger.tables import ENTRIES
from disclose.ledger.tree import proves_consistency


@pytest.fixture
def trusted(ledger):
    return VerifierKey.parse(ledger.verifier_key)


def test_a_checkpoint_is_a_c2sp_note(ledger, trusted):
    append(ledger)
    note = ledger.checkpoint()
    origin, size, root, blank, signature, end = note.split("\n")
    assert (origin, size, blank, end) == (trusted.name, "1", "", "")
    assert len(base64.b64decode(root)) == 32
    dash, name, encoded = signature.split(" ")
    assert (dash, name, len(base64.b64decode(encoded))) == ("—", origin, 68)


def test_a_note_of_the_go_implementation_is_read():
    # golang.org/x/mod/sumdb/note, Example: the key of PeterNeumann.
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert key.hash.hex() == "c74f20a3"
    assert str(key) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from disclose.ledger.checkpoint import _parts

    text, ((name, signature),) = _parts(note)
    assert (name, signature[:4]) == (key.name, key.hash)
    Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], text.encode())


@pytest.mark.parametrize(
    "note",
    [
        "",
        "a\n1\n",
        "disclose\n1\nAAAA\n\n— x AAAAAAAA\n",
        "a\n01\n" + "A" * 43 + "=\n\n— a AAAAAAAA\n",
        "a\nb\nc\n\nno\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(note):
    key = VerifierKey(name="a", public=bytes(32))
    with pytest.raises(LedgerError):
        key.opened(note)


def test_another_key_of_the_same_name_is_not_believed():
    own, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    note = signed(Checkpoint(origin="log", size=1, root=bytes(32)), other)
    with pytest.raises(LedgerError, match="not signed"):
        VerifierKey(name="log", public=own.public_key().public_bytes_raw()).opened(note)


@pytest.mark.parametrize(
    "key", ["", "a+b", "a+00000000+AAAA", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/"]
)
def test_what_is_no_key_is_refused(key):
    with pytest.raises(LedgerError, match="cannot read the key"):
        VerifierKey.parse(key)


def test_every_entry_is_proved_offline(ledger, trusted):
    records = [append(ledger) for _ in range(9)]
    for record in records:
        (proof,) = ledger.prove(record.disclosure.id)
        read = Proof.from_json(proof.to_json())
        assert read == proof
        assert read.checked(trusted).size == 9
        assert json.loads(read.text)["disclosure"]["id"] == str(record.disclosure.id)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_proof_across_stored_levels_holds(ledger, trusted, monkeypatch):
    monkeypatch.setattr("disclose.ledger.stored_tree._HEIGHT", 3)
    log = ledger._records
    with ledger.connection(writing=True) as connection:
        rows = [{"number": number, "leaf": bytes([number % 251]) * 32} for number in log.numbers(connection, 2000)]
        blank = {"recorded": 0, "identifier": bytes(16), "sha256": bytes(32)}
        connection.execute(insert(ENTRIES), [{**row, **blank} for row in rows])
    for number in (1, 8, 9, 64, 65, 512, 513, 1024, 1025, 1984, 1985, 2000):
        leaf = log.prove(number)
        assert Proof(text=None, erasure=None, leaf=leaf, key="").checked(trusted).size == 2000
        assert len(leaf.proof) <= 11


@pytest.mark.parametrize("change", ["text", "position", "hash", "proof", "note"])
def test_a_proof_that_was_changed_does_not_hold(change, ledger, trusted):
    records = [append(ledger) for _ in range(5)]
    (proof,) = ledger.prove(records[1].disclosure.id)
    changed = {
        "text": replace(proof, text=proof.text.replace("Studio", "Stadio")),
        "position": replace(proof, leaf=replace(proof.leaf, position=3)),
        "hash": replace(proof, text=None, leaf=replace(proof.leaf, hash=bytes(32))),
        "proof": replace(proof, leaf=replace(proof.leaf, proof=proof.leaf.proof[::-1])),
        "note": replace(proof, leaf=replace(proof.leaf, note=proof.leaf.note.replace("\n5\n", "\n6\n"))),
    }[change]
    assert proof.checked(trusted)
    with pytest.raises(LedgerError):
        changed.checked(trusted)


def test_an_erased_entry_is_still_proved(ledger, trusted):
    append(ledger)
    record = append(ledger)
    ledger.forget(record.disclosure.id, reason="asked")
    (proof,) = ledger.prove(record.disclosure.id)
    assert (proof.text, proof.erasure.reason) == (None, "asked")
    assert Proof.from_json(proof.to_json()).checked(trusted).size == 2


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "disclose-ledger-proof/1"}', '{"format": "other/1"}'])
def test_what_is_no_proof_is_refused(text):
    with pytest.raises(LedgerError, match="cannot read the proof"):
        Proof.from_json(text)


def test_growth_is_proved_between_checkpoints(ledger, trusted):
    append(ledger)
    old = trusted.opened(ledger.checkpoint())
    for _ in range(4):
        append(ledger)
    new = trusted.opened(ledger.checkpoint())
    assert proves_consistency(old.size, old.root, new.size, new.root, ledger.consistency(old.size))


@pytest.fixture
def filled(ledger):
    for number in range(6):
        append(ledger, system=f"Stúdio {number}")
    NoticeLog(ledger).append(
        Happening(session="ab" * 32, encounter=1, state=State.SENT, subject="cd" * 16, opening=True)
    )
    ledger.forget(ledger.records()[3].disclosure.id, reason="asked")
    return ledger


def test_an_export_is_imported_whole(filled, trusted, tmp_path):
    lines = list(exported(filled))
    with Ledger(tmp_path / "copy" / "ledger.sqlite") as copy:
        assert imported(copy, lines, trusted).entries == 6
        assert copy.records() == filled.records()
        assert copy.verify().head == filled.verify().head
        assert copy.verify().is_intact
        assert copy.erased(copy.records()[0].disclosure.id) == []
        assert len(NoticeLog(copy).of_session("ab" * 32)) == 1
        assert NoticeLog(copy).verify().is_intact
        assert append(copy).sequence == 7


def test_an_export_is_imported_into_either_store(ledger, place, postgresql, tmp_path):
    for _ in range(3):
        append(ledger)
    key = VerifierKey.parse(ledger.verifier_key)
    location = (
        postgresql.database(f"copy_{tmp_path.name[-40:]}") if "sqlite" in str(place["location"]) else "copy.sqlite"
    )
    location = location if "://" in location else tmp_path / location
    with Ledger(location, key=tmp_path / "copy_key.pem") as copy:
        assert imported(copy, exported(ledger), key).entries == 3
        assert append(copy).sequence == 4
        assert copy.verify().is_intact


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_changed_export_is_refused_and_leaves_nothing(data, filled, trusted, tmp_path_factory):
    lines = list(exported(filled))
    place = data.draw(st.integers(0, len(lines) - 1))
    how = data.draw(st.sampled_from(["drop", "double", "change", "swap"]))
    if how == "drop":
        del lines[place]
    elif how == "double":
        lines.insert(place, lines[place])
    elif how == "swap":
        lines[place], lines[place - 1] = lines[place - 1], lines[place]
    else:
        middle = data.draw(st.integers(0, len(lines[place]) - 1))
        character = "1" if lines[place][middle] != "1" else "2"
        lines[place] = lines[place][:middle] + character + lines[place][middle + 1 :]
    with Ledger(tmp_path_factory.mktemp("copy") / "ledger.sqlite") as copy:
        try:
            imported(copy, lines, trusted)
        except LedgerError:
            assert len(copy) == 0
        else:
            # Numbers are for this database alone: what is proved are the texts, in the order of the tree.
            assert {record.hash for record in copy.records()} == {record.hash for record in filled.records()}
            assert copy.verify().is_intact


def test_only_an_empty_ledger_takes_an_import(filled, trusted):
    with pytest.raises(LedgerError, match="not empty"):
        imported(filled, exported(filled), trusted)
