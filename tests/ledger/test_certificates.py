import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from ledgers import append, forge
from sqlalchemy.exc import DatabaseError

from disclose.errors import LedgerError
from disclose.ledger import Ledger, certificates
from disclose.ledger.checkpoint import VerifierKey
from disclose.ledger.export import exported, imported

ONE, OTHER = "ab" * 32, "cd" * 32


def stored(ledger):
    with ledger.connection() as connection:
        hashes = connection.exec_driver_sql("SELECT hash FROM certificates ORDER BY hash").scalars().all()
        bodies = connection.exec_driver_sql("SELECT body FROM entries ORDER BY number").scalars().all()
    return [bytes(one).hex() for one in hashes], [bytes(one) for one in bodies]


def test_a_certificate_is_kept_once_and_every_record_still_names_it(ledger, place):
    made = [append(ledger, certificate=name) for name in (ONE, OTHER, ONE, ONE, None)]
    hashes, bodies = stored(ledger)
    assert hashes == [ONE, OTHER]
    assert not any(bytes.fromhex(name) in body for name in (ONE, OTHER) for body in bodies)
    assert ledger.records() == made
    assert ledger.verify().reason is None
    with Ledger(**place) as again:
        assert again.records() == made


def test_what_is_hashed_and_exported_names_the_certificate_whole(ledger, tmp_path):
    record = append(ledger, certificate=ONE)
    assert record.mark_of("c2pa").details["certificate"] == ONE
    assert ledger.prove(record.disclosure.id)[0].text.count(ONE) == 1
    lines = list(exported(ledger))
    assert any(ONE in json.loads(line).get("body", "") for line in lines)
    with Ledger(tmp_path / "moved.sqlite", key=ledger._key.path) as moved:
        imported(moved, lines, VerifierKey.parse(ledger.verifier_key))
        assert moved.records() == [record]


def test_a_certificate_that_was_taken_away_is_found_out_and_is_no_erasure(ledger):
    record = append(ledger, certificate=ONE)
    forge(ledger, "DELETE FROM certificates")
    with pytest.raises(LedgerError, match="certificate"):
        ledger.find(record.disclosure.id)
    check = ledger.verify()
    assert check.broken_at == record.sequence
    assert "certificate" in check.reason


def test_a_certificate_that_was_exchanged_is_found_out(ledger):
    record = append(ledger, certificate=ONE)
    forge(ledger, "UPDATE certificates SET hash = {ff}")
    assert ledger.verify().broken_at == record.sequence


def test_a_certificate_that_ends_otherwise_is_found_out(ledger):
    record = append(ledger, certificate=ONE[:16] + "ff" * 24)
    forge(ledger, "DELETE FROM certificates")
    with ledger.connection(writing=True) as connection:
        certificates.keep(connection, [bytes.fromhex(ONE)])
    assert ledger.verify().broken_at == record.sequence


@pytest.mark.parametrize("change", ["DELETE FROM certificates", "UPDATE certificates SET hash = reference"])
def test_certificates_are_append_only(ledger, change):
    append(ledger, certificate=ONE)
    with (
        pytest.raises((LedgerError, DatabaseError), match="append-only"),
        ledger.connection(writing=True) as connection,
    ):
        connection.exec_driver_sql(change)


def test_a_certificate_that_begins_like_another_is_refused_and_nothing_is_appended(ledger):
    append(ledger, certificate=ONE)
    with pytest.raises(LedgerError, match="begins alike"):
        append(ledger, certificate=ONE[:16] + "00" * 24)
    append(ledger, certificate=ONE)
    assert (len(ledger), ledger.verify().reason) == (2, None)


def test_writers_who_come_with_the_same_certificates_at_once_keep_them_once(ledger, place):
    with Ledger(**place) as beside, ThreadPoolExecutor(8) as executor:
        names = [f"{number:02x}" * 32 for number in range(6)] * 4
        writers = [(ledger, beside)[number % 2] for number in range(len(names))]
        made = list(executor.map(lambda writer, name: append(writer, certificate=name), writers, names))
    assert stored(ledger)[0] == sorted(set(names))
    assert {record.sequence: record for record in ledger.records()} == {record.sequence: record for record in made}
    assert ledger.verify().reason is None


def test_what_is_erased_leaves_the_certificate_to_the_others(ledger):
    gone, stays = append(ledger, certificate=ONE), append(ledger, certificate=ONE)
    ledger.forget(gone.disclosure.id, reason="asked for")
    assert ledger.records() == [stays]
    assert ledger.verify().reason is None


def test_a_certificate_is_named_by_64_hexadecimal_digits():
    assert certificates.named_in(f'{{"certificate":"{ONE}"}}') == bytes.fromhex(ONE)
    assert certificates.named_in('{"certificate":"abab"}') is None
