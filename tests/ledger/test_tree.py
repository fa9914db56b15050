import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclose.ledger.tree import (
    EMPTY,
    Frontier,
    consistency_proof,
    folded,
    inclusion_proof,
    leaf_hash,
    node_hash,
    proves_consistency,
    proves_inclusion,
    root,
)

# The leaves, roots and proofs that the Certificate Transparency implementations share as test vectors of RFC 6962.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
}
CONSISTENCY = {
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
HASHES = [leaf_hash(one) for one in LEAVES]
SIZES = st.integers(1, 70)


def nodes(leaves):
    def node(level, index):
        return leaves[index] if level == 0 else node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    return node


def numbered(count):
    return [leaf_hash(number.to_bytes(4)) for number in range(count)]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_the_test_vectors(size):
    assert root(size, nodes(HASHES)).hex() == ROOTS[size - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing():
    assert root(0, nodes([])) == EMPTY == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("case", INCLUSION)
def test_inclusion_proofs_are_those_of_the_test_vectors(case):
    assert tuple(one.hex() for one in inclusion_proof(*case, nodes(HASHES))) == INCLUSION[case]


@pytest.mark.parametrize("case", CONSISTENCY)
def test_consistency_proofs_are_those_of_the_test_vectors(case):
    assert tuple(one.hex() for one in consistency_proof(*case, nodes(HASHES))) == CONSISTENCY[case]


@given(size=SIZES, data=st.data())
def test_every_leaf_is_proved_and_no_other_in_its_place(size, data):
    index = data.draw(st.integers(0, size - 1))
    leaves = numbered(size)
    proof, top = inclusion_proof(index, size, nodes(leaves)), root(size, nodes(leaves))
    assert proves_inclusion(leaves[index], index, size, proof, top)
    assert not proves_inclusion(leaf_hash(b"another"), index, size, proof, top)
    other = data.draw(st.integers(0, size - 1))
    assert other == index or not proves_inclusion(leaves[index], other, size, proof, top)
    assert not proves_inclusion(leaves[index], index, size, (*proof, top), top)
    assert not proof or not proves_inclusion(leaves[index], index, size, proof[:-1], top)


@given(old=SIZES, more=st.integers(0, 70), data=st.data())
def test_growth_is_proved_and_a_changed_past_is_not(old, more, data):
    size = old + more
    leaves = numbered(size)
    changed = data.draw(st.integers(0, old - 1))
    past = [*leaves[:changed], leaf_hash(b"another"), *leaves[changed + 1 :]]
    proof, top = consistency_proof(old, size, nodes(leaves)), root(size, nodes(leaves))
    assert proves_consistency(old, root(old, nodes(leaves)), size, top, proof)
    assert not proves_consistency(old, root(old, nodes(past)), size, top, proof)
    assert not proves_consistency(old, root(old, nodes(leaves)), size, root(size, nodes(past)), proof)
    assert not proves_consistency(old, root(old, nodes(leaves)), size, top, (*proof, top))


@given(size=SIZES)
def test_the_frontier_knows_the_root_at_every_size(size):
    frontier, leaves = Frontier(), numbered(size)
    for count, leaf in enumerate(leaves, 1):
        frontier.add(leaf)
        assert frontier.root() == root(count, nodes(leaves))
        assert frontier.finished[-1] == folded(leaves[count - (1 << len(frontier.finished) - 1) : count])


@pytest.mark.parametrize(("index", "size"), [(3, 3), (-1, 3), (0, 0)])
def test_there_is_no_proof_of_what_is_not_there(index, size):
    with pytest.raises(ValueError, match="there is no leaf"):
        inclusion_proof(index, size, nodes(HASHES))
    assert not proves_inclusion(HASHES[0], index, size, (), HASHES[0])
