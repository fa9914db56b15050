import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import append

from disclose.ledger import hashes as packed_hashes
from disclose.ledger import likeness as likeness_search
from disclose.ledger.hashes import PackedHashes

HASH = st.binary(min_size=32, max_size=32)
HASHES = st.lists(HASH, min_size=1, max_size=40)
ODD_COLUMNS, ODD_ROWS = b"\x55" * 32, b"\0\0\xff\xff" * 8


def distance(one, other):
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def changed(one, other):
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def transposed(one):
    bits = numpy.unpackbits(numpy.frombuffer(one, numpy.uint8)).reshape(16, 16)
    return numpy.packbits(bits.T).tobytes()


def reflections(one):
    return [one, changed(one, ODD_COLUMNS), changed(one, ODD_ROWS), changed(changed(one, ODD_ROWS), ODD_COLUMNS)]


@st.composite
def views(draw):
    """Hashes as a picture's views have them, each off by a few bits, and some that have nothing to do with it."""
    one = draw(HASH)
    turned = reflections(transposed(one)) if draw(st.booleans()) else []
    errors = st.sets(st.integers(0, 255), max_size=9)
    off = [changed(view, sum(1 << bit for bit in draw(errors)).to_bytes(32)) for view in reflections(one) + turned]
    return off + draw(st.lists(HASH, max_size=2))


@st.composite
def libraries(draw, wanted):
    """Hashes at random, near to one of *wanted*, and the same one over and over."""
    near = st.builds(
        lambda one, bits: changed(one, sum(1 << bit for bit in bits).to_bytes(32)),
        st.sampled_from(wanted),
        st.sets(st.integers(0, 255), max_size=100),
    )
    return draw(st.lists(HASH | near | st.sampled_from([wanted[0], bytes(32), b"\xff" * 32]), min_size=1, max_size=40))


@settings(max_examples=200, deadline=None)
@given(data=st.data(), wanted=views() | st.lists(HASH, min_size=1, max_size=3), within=st.integers(0, 256))
def test_the_search_is_exact_within_any_limit(data, wanted, within):
    hashes = data.draw(libraries(wanted))
    packed = PackedHashes()
    for place in range(0, len(hashes), 7):
        some = hashes[place : place + 7]
        packed.add(range(100 + place, 100 + place + len(some)), b"".join(some))
    bits, number = min((distance(one, other), 100 + place) for place, one in enumerate(hashes) for other in wanted)
    assert packed.nearest(wanted) == (number, bits)
    assert packed.nearest(wanted, within=within) == ((number, bits) if bits <= within else None)


def test_the_reflections_of_a_picture_are_compared_at_once():
    from PIL import Image

    from disclose.layers.fingerprint import _views

    noise = numpy.random.default_rng(3).integers(0, 256, (32, 24), numpy.uint8)
    picture = Image.fromarray(noise).resize((480, 640), Image.Resampling.BICUBIC)
    families = packed_hashes._Family.all_of(packed_hashes._by_parity(b"".join(_views(picture))))
    assert [family.members.shape for family in families] == [(4, 4), (4, 4)]
    assert packed_hashes._Look.at(families, 70).common is not None


@given(one=HASH)
def test_what_all_views_have_in_common_differs_by_no_more_than_the_hash(one):
    views_of_it = reflections(one) + reflections(transposed(one))
    with_one_changed = [changed(one, (1 << bit).to_bytes(32)) for bit in range(256)]
    common = packed_hashes._common(packed_hashes._by_parity(b"".join(views_of_it + with_one_changed)))
    assert len(set(common[:8].tolist())) == 1
    assert numpy.bitwise_count(common[8:] ^ common[0]).max() == 1


@settings(deadline=None)
@given(data=st.data(), wanted=views(), within=st.sampled_from([10, 40, 200]))
def test_no_hash_is_nearer_than_its_bound(data, wanted, within):
    hashes = wanted + data.draw(libraries(wanted))
    words, families = (packed_hashes._by_parity(b"".join(some)) for some in (hashes, wanted))
    families = packed_hashes._Family.all_of(families)
    look = packed_hashes._Look.at(families, within)
    bounds, shared = packed_hashes._bounds(families, words, look, packed_hashes._common(words))
    least = bounds.min(axis=0).astype(int) + (0 if shared is None else shared) - look.slack
    assert all(least <= [min(distance(one, other) for other in wanted) for one in hashes])


@given(words=st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=8))
def test_no_member_is_farther_from_the_middle_than_from_what_most_say(words):
    members = numpy.frombuffer(b"".join(words), numpy.uint64)[None]
    bits = numpy.unpackbits(members.view(numpy.uint8).reshape(-1, 8), axis=1)
    most = numpy.packbits(2 * bits.sum(axis=0) > len(words)).view(numpy.uint64)
    farthest = [int(numpy.bitwise_count(members ^ one).max()) for one in (packed_hashes._middle(members), most)]
    assert farthest[0] <= farthest[1]


def test_a_library_of_equal_hashes_is_searched_in_pieces():
    packed, hashes = PackedHashes(), numpy.random.default_rng(1).bytes(64)
    packed.add(range(100_000), hashes[:32] * 100_000)
    near = changed(hashes[:32], bytes(30) + b"\xff\xff")
    opposite = changed(near, b"\xff" * 32)
    assert packed.nearest([near, changed(near, ODD_ROWS)]) == (0, 16)
    assert packed.nearest([opposite]) == (0, 240)
    assert packed.nearest([near], within=15) is None


def test_the_opposite_of_a_hash_differs_in_all_bits():
    packed = PackedHashes()
    packed.add([1], bytes(32))
    assert packed.nearest([b"\xff" * 32]) == (1, 256)


def test_the_nearest_is_found_beyond_the_first_block(monkeypatch):
    monkeypatch.setattr(packed_hashes, "_BLOCK", 64)
    hashes = numpy.random.default_rng(1).bytes(32 * 1000)
    packed = PackedHashes()
    packed.add(range(1000), hashes)
    for place in (0, 63, 64, 999):
        assert packed.nearest([hashes[32 * place : 32 * place + 32]]) == (place, 0)
        assert packed.nearest([hashes[32 * place : 32 * place + 32]], within=20) == (place, 0)


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


def test_what_is_not_like_enough_among_so_many_is_not_found(ledger):
    append(ledger, likeness=bytes(32))
    append(ledger, likeness=b"\xff" * 32)
    search, wanted, asked = ledger._likenesses, [bytes(31) + b"\x07"], []
    assert search.nearest(wanted, lambda entries: asked.append(entries) or 3)[1:] == (3, 2)
    assert search.nearest(wanted, lambda entries: 2) is None
    assert asked == [2]


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
