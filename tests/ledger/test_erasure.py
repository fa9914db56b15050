import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from ledgers import append, forge
from PIL import Image

import disclose
from disclose.errors import LedgerError
from disclose.ledger import Ledger
from disclose.profile import Profile


def test_an_erased_record_is_gone_and_is_never_not_found(ledger):
    append(ledger)
    doomed = append(ledger, system="Hapax Studio", likeness=b"\xff" * 32, sha256="cd" * 32)
    ledger.checkpoint()
    (erasure,) = ledger.forget(doomed.disclosure.id, reason="the person asked")
    assert ledger.find(doomed.disclosure.id) == []
    assert ledger.find_content("cd" * 32) is None
    assert ledger.nearest(b"\xff" * 32) is None
    assert ledger.erased(doomed.disclosure.id.leading(64)) == [erasure]
    assert ledger.erased_content("cd" * 32) == erasure
    assert str(erasure).startswith(f"recorded on {doomed.recorded[:10]}, erased on ")
    assert str(erasure).endswith("for: the person asked")


def test_the_tree_stays_valid_and_goes_on(ledger):
    records = [append(ledger) for _ in range(5)]
    before = ledger.verify()
    ledger.forget(records[2].disclosure.id, reason="asked")
    after = ledger.verify()
    assert (after.reason, after.head, after.entries) == (None, before.head, 5)
    append(ledger)
    assert (ledger.verify().reason, len(ledger)) == (None, 6)


def test_what_was_erased_before_it_had_a_place_gets_one_all_the_same(ledger):
    record = append(ledger)
    ledger.forget(record.disclosure.id, reason="asked")
    assert (ledger.verify().reason, ledger.verify().entries) == (None, 1)


def test_no_byte_of_what_was_erased_is_left_in_the_file(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        record = append(ledger, likeness=bytes(range(32)), system="x" * 3000)
        for _ in range(20):
            append(ledger)
        with ledger.connection() as connection:
            (body,) = connection.exec_driver_sql("SELECT body FROM entries WHERE number = 1").one()
        ledger.forget(record.disclosure.id, reason="asked")
        kept = b"".join(one.read_bytes() for one in tmp_path.glob("ledger.sqlite*"))
    assert body[-40:] not in kept
    assert bytes(range(32)) not in kept


def test_what_is_erased_while_the_ledger_is_checked_breaks_nothing(ledger):
    records = [append(ledger) for _ in range(25)]

    def erase_all():
        for record in reversed(records):
            ledger.forget(record.disclosure.id, reason="asked")

    with ThreadPoolExecutor(1) as pool:
        erasing = pool.submit(erase_all)
        while not erasing.done():
            assert ledger.verify().reason is None
        erasing.result()
    assert (ledger.verify().reason, len(ledger)) == (None, 25)


def test_nothing_is_emptied_without_a_trace(ledger):
    append(ledger)
    record = append(ledger)
    ledger.forget(record.disclosure.id, reason="asked")
    forge(ledger, "UPDATE erasures SET body = replace(body, 'asked', 'other')")
    assert "erasure 1 was changed" in ledger.verify().reason


def test_an_erasure_needs_a_reason(ledger):
    record = append(ledger)
    with pytest.raises(ValueError, match="reason"):
        ledger.forget(record.disclosure.id, reason=" ")
    assert ledger.find(record.disclosure.id) == [record]


def test_erasing_twice_erases_once(ledger):
    record = append(ledger)
    assert len(ledger.forget(record.disclosure.id, reason="asked")) == 1
    assert ledger.forget(record.disclosure.id, reason="asked again") == []
    assert len(ledger.erased(record.disclosure.id)) == 1


def test_a_record_that_is_back_after_its_erasure_is_found(ledger):
    first, second = append(ledger), append(ledger)
    ledger.forget(second.disclosure.id, reason="asked")
    forge(
        ledger,
        "UPDATE entries SET body = (SELECT body FROM entries WHERE number = 1) WHERE number = 2",
    )
    assert ledger.verify().broken_at == 2
    assert first


def test_an_erasure_that_cannot_be_written_erases_nothing(ledger):
    record = append(ledger)
    statements = ("UPDATE entries SET body = NULL, likeness = NULL", "INSERT INTO nowhere VALUES (1)")
    with pytest.raises(LedgerError), ledger.connection(writing=True) as connection:
        list(map(connection.exec_driver_sql, statements))
    assert ledger.find(record.disclosure.id) == [record]


def test_a_file_whose_record_was_erased_is_said_to_have_been_recorded(tmp_path):
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(picture, "PNG")
    profile = Profile(folder=tmp_path, layers=("iptc", "ledger"), also_read=())
    marked = disclose.mark(picture.getvalue(), profile, system="Studio")
    (record,) = profile.ledger().records()
    profile.ledger().forget(record.disclosure.id, reason="the person asked")
    verdict = disclose.verify(marked.data, profile)
    assert any("erased on" in item.summary and "the person asked" in item.summary for item in verdict.evidence)


def test_by_what_an_erased_text_was_found_again_is_gone_too(profile):
    kept = disclose.mark("The harbour lies under old grey walls, and boats of every colour wait there. " * 4, profile)
    doomed = disclose.mark("Nobody at the upper lake had seen such an early spring in fifty-one years. " * 4, profile)
    profile.ledger().forget(doomed.disclosure.id, reason="its subject asked for it")
    for asset, layers in ((kept, {"ledger", "text_fingerprint"}), (doomed, {"ledger"})):
        verdict = disclose.verify(asset.data.decode(), profile)
        assert {item.layer for item in verdict.evidence if item.id is not None} == layers
