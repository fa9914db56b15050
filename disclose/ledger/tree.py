"""The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1), as pure functions over the hashes of its subtrees.

A tree of ``size`` leaves is read through a function ``node(level, index)`` that returns the hash of the complete
subtree over the leaves ``index * 2**level`` up to ``(index + 1) * 2**level``; ``node(0, index)`` is a leaf's hash.
Hashes are 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

Node = Callable[[int, int], bytes]

EMPTY = hashlib.sha256(b"").digest()
"""The root of the tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of the leaf that holds *data*: SHA-256 over 0x00 and the data."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees side by side: SHA-256 over 0x01 and both."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(size: int, node: Node) -> bytes:
    """Return the root of the first *size* leaves."""
    return _subtree(0, size, node) if size else EMPTY


def inclusion_proof(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Return the hashes that lead from leaf *index* to the root of *size* leaves (RFC 6962 section 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    return tuple(_path(index, 0, size, node))


def consistency_proof(old: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Return the hashes showing that *size* leaves begin with the first *old* (RFC 6962 section 2.1.2)."""
    if not 0 < old <= size:
        raise ValueError(f"a tree of {size} leaves does not follow one of {old}")
    return tuple(_between(old, 0, size, node, whole=True))


def proves_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether *proof* leads from *leaf* at *index* to *root* (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for other in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(other, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, other)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def proves_consistency(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether *proof* shows that the tree of *root* only adds to that of *old_root* (RFC 9162 section 2.1.4.2)."""
    if not 0 < old <= size:
        return False
    if old == size:
        return not proof and old_root == root
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(other, before), node_hash(other, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, other)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == root


def folded(hashes: Sequence[bytes]) -> bytes:
    """Return the root over *hashes* of subtrees of one height, side by side."""
    return root(len(hashes), lambda level, index: _complete(hashes, level, index))


class Frontier:
    """The right edge of a tree that grows leaf by leaf: enough to know its root at every size."""

    def __init__(self) -> None:
        self.size = 0
        self._complete: list[bytes] = []
        self.finished: list[bytes] = []
        """The hashes of the subtrees that the last leaf completed, by their level, itself first."""

    def add(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        place, self.finished = self.size, [leaf]
        while place & 1:
            self.finished.append(node_hash(self._complete.pop(), self.finished[-1]))
            place >>= 1
        self._complete.append(self.finished[-1])
        self.size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self._complete:
            return EMPTY
        found = self._complete[-1]
        for left in reversed(self._complete[:-1]):
            found = node_hash(left, found)
        return found


def _subtree(start: int, stop: int, node: Node) -> bytes:
    """Return the root over the leaves from *start* to *stop*, where *start* is where a tree of that size may begin."""
    count = stop - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(count)
    return node_hash(_subtree(start, middle, node), _subtree(middle, stop, node))


def _path(index: int, start: int, stop: int, node: Node) -> list[bytes]:
    if stop - start == 1:
        return []
    middle = start + _split(stop - start)
    if index < middle:
        return [*_path(index, start, middle, node), _subtree(middle, stop, node)]
    return [*_path(index, middle, stop, node), _subtree(start, middle, node)]


def _between(old: int, start: int, stop: int, node: Node, *, whole: bool) -> list[bytes]:
    """Return SUBPROOF of RFC 6962 for the leaves from *start* to *stop*; the old tree has those before *old*."""
    if old == stop:
        return [] if whole else [_subtree(start, stop, node)]
    middle = start + _split(stop - start)
    if old <= middle:
        return [*_between(old, start, middle, node, whole=whole), _subtree(middle, stop, node)]
    return [*_between(old, middle, stop, node, whole=False), _subtree(start, middle, node)]


def _split(count: int) -> int:
    """Return the largest power of two smaller than *count*."""
    return 1 << (count - 1).bit_length() - 1


def _complete(hashes: Sequence[bytes], level: int, index: int) -> bytes:
    if level == 0:
        return hashes[index]
    return node_hash(_complete(hashes, level - 1, 2 * index), _complete(hashes, level - 1, 2 * index + 1))
