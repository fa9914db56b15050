import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import append

from disclose.ledger import likeness as likeness_search
from disclose.ledger.likeness import PackedHashes

HASHES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def distance(one, other):
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


@settings(max_examples=60, deadline=None)
@given(hashes=HASHES, wanted=st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=3))
def test_the_search_is_exact(hashes, wanted):
    packed = PackedHashes()
    for place in range(0, len(hashes), 7):
        some = hashes[place : place + 7]
        packed.add(range(place, place + len(some)), b"".join(some))
    number, found = packed.nearest(wanted)
    nearest = min(distance(one, other) for one in hashes for other in wanted)
    assert found == nearest
    assert min(distance(hashes[number], other) for other in wanted) == nearest


def test_the_opposite_of_a_hash_differs_in_all_bits():
    packed = PackedHashes()
    packed.add([1], bytes(32))
    assert packed.nearest([b"\xff" * 32]) == (1, 256)


def test_the_nearest_is_found_beyond_the_first_block(monkeypatch):
    monkeypatch.setattr(likeness_search, "_BLOCK", 64)
    hashes = numpy.random.default_rng(1).bytes(32 * 1000)
    packed = PackedHashes()
    packed.add(range(1000), hashes)
    for place in (0, 63, 64, 999):
        assert packed.nearest([hashes[32 * place : 32 * place + 32]]) == (place, 0)


def test_the_nearest_by_likeness_is_found_among_new_entries_too(ledger):
    append(ledger, likeness=bytes(32))
    near = append(ledger, likeness=b"\xff" * 32)
    append(ledger)
    assert ledger.nearest(b"\xff" * 31 + b"\xfe").distance == 1
    assert ledger.nearest(b"\xff" * 31 + b"\xfe").record == near
    nearer = append(ledger, likeness=b"\xff" * 31 + b"\xfe")
    assert ledger.nearest(b"\x01" * 32, b"\xff" * 31 + b"\xfe").record == nearer
    ledger.checkpoint()
    assert ledger.nearest(b"\x01" * 32, b"\xff" * 31 + b"\xfe").record == nearer
    assert ledger.nearest(bytes(32)).searched == 3


def test_no_likeness_is_found_where_there_is_none(ledger):
    assert ledger.nearest(bytes(32)) is None


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hashes=HASHES, wanted=st.binary(min_size=32, max_size=32))
@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_the_database_finds_what_the_memory_finds(hashes, wanted, ledger):
    for one in hashes:
        append(ledger, likeness=one)
    in_memory = ledger.nearest(wanted, bytes(32))
    with ledger.connection() as connection:
        _, distance, searched = likeness_search._by_the_database(connection, [wanted, bytes(32)])
    assert (distance, searched) == (in_memory.distance, in_memory.searched)


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_very_large_ledger_is_searched_by_the_database(ledger, monkeypatch):
    near = append(ledger, likeness=b"\xff" * 32)
    append(ledger, likeness=bytes(32))
    ledger.checkpoint()
    monkeypatch.setattr(likeness_search, "LARGEST_IN_PROCESS", 1)
    monkeypatch.setattr(PackedHashes, "nearest", None)
    assert ledger.nearest(b"\xff" * 31 + b"\xfe").record == near


def test_a_ledger_opened_anew_reads_all_likenesses_page_by_page(ledger, place, monkeypatch):
    hashes = [bytes([number]) * 32 for number in range(7)]
    records = [append(ledger, likeness=one) for one in hashes]
    append(ledger)
    ledger.checkpoint()
    monkeypatch.setattr(likeness_search, "_PAGE", 3)
    with type(ledger)(**place) as other:
        for one, record in zip(hashes, records, strict=True):
            found = other.nearest(one)
            assert (found.record, found.distance, found.searched) == (record, 0, 7)


def test_a_likeness_that_was_erased_elsewhere_is_not_found(ledger, place):
    far, near = append(ledger, likeness=bytes(32)), append(ledger, likeness=b"\xff" * 32)
    assert ledger.nearest(b"\xff" * 32).record == near
    with type(ledger)(**place) as other:
        other.forget(near.disclosure.id, reason="asked for")
    assert ledger.nearest(b"\xff" * 32).record == far
