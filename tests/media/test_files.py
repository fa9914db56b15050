"""Files are written piece by piece, and appear whole or not at all."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from disclose.errors import DiscloseError
from disclose.media import files

PIECE = 1 << 20


def test_pieces_are_written_as_they_come(tmp_path):
    seen = []

    def pieces():
        for number in range(4):
            seen.append(sum(one.stat().st_size for one in tmp_path.glob(".out.*.part")))
            yield bytes([number]) * PIECE

    files.write(tmp_path / "out", pieces())
    assert seen == [0, PIECE, 2 * PIECE, 3 * PIECE]
    assert (tmp_path / "out").read_bytes() == b"".join(bytes([number]) * PIECE for number in range(4))


@pytest.mark.parametrize("failure", [DiscloseError("it is broken"), OSError("the disk is full"), RuntimeError("bug")])
def test_pieces_that_cannot_all_be_had_leave_what_was_there(failure, tmp_path):
    def pieces():
        yield b"new"
        raise failure

    (tmp_path / "out").write_bytes(b"old")
    with pytest.raises((DiscloseError, RuntimeError)):
        files.write(tmp_path / "out", pieces())
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("out", b"old")]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_are_one_piece(kind, tmp_path):
    files.write(tmp_path / "out", kind(b"all of it"))
    assert (tmp_path / "out").read_bytes() == b"all of it"


def test_of_many_who_make_a_secret_at_once_one_s_stays_and_only_its_owner_reads_it(tmp_path):
    secrets = [bytes([number]) * 32 for number in range(16)]
    with ThreadPoolExecutor(len(secrets)) as pool:
        list(pool.map(lambda secret: files.create_secret(tmp_path / "key", secret), secrets))
    kept = (tmp_path / "key").read_bytes()
    assert kept in secrets
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    files.create_secret(tmp_path / "key", b"late")
    assert (tmp_path / "key").read_bytes() == kept
    assert [one.name for one in tmp_path.iterdir()] == ["key"]
