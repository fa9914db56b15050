import json
import os
import struct
import subprocess
import sys

import pytest
from pictures import encoded, photograph

from disclose.media.confinement import READING, limited_memory

DISCLOSE = [sys.executable, "-W", "error", "-m", "disclose"]


def run(*arguments, stdin=b"", cwd=None, **environment):
    command = [*DISCLOSE, *(str(argument) for argument in arguments)]
    return subprocess.run(
        command, input=stdin, capture_output=True, cwd=cwd, env={**os.environ, **environment}, check=False
    )


def objects(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "boat.jpg"
    path.write_bytes(encoded(photograph("coffee", 600, 400), "JPEG", quality=92))
    return path


@pytest.fixture
def marked(picture, tmp_path):
    done = run("mark", picture, "-o", tmp_path / "marked.jpg", "--system", "Studio", "--provider", "Acme")
    assert done.returncode == 0, done.stderr
    return tmp_path / "marked.jpg"


def test_a_marked_file_verifies_with_status_zero(marked):
    done = run("verify", marked)
    assert done.returncode == 0, done.stderr
    assert "disclosed" in done.stdout.decode()
    assert "Studio (Acme)" in " ".join(done.stdout.decode().split())


def test_verify_prints_one_json_object_a_file(marked, picture):
    done = run("verify", marked, picture, "--json")
    first, second = objects(done)
    assert (first["outcome"], second["outcome"]) == ("disclosed", "indicated")
    assert first["disclosure"]["system"] == "Studio"
    keys = {"layer", "basis", "binding", "integrity", "trust", "time", "p_value", "id", "summary"}
    assert all(keys <= set(item) for item in first["evidence"])


def test_the_status_tells_the_outcomes_apart(marked, picture, tmp_path):
    data = bytearray(marked.read_bytes())
    data[len(data) // 2] ^= 0x40
    (tmp_path / "contested.jpg").write_bytes(data)
    (tmp_path / "unmarked.png").write_bytes(encoded(photograph("china", 600, 400)))
    assert run("verify", marked).returncode == 0
    assert run("verify", tmp_path / "contested.jpg").returncode == 1
    assert run("verify", tmp_path / "unmarked.png").returncode == 2
    assert run("verify", tmp_path / "missing.png").returncode == 3
    assert run("verify", marked, tmp_path / "unmarked.png").returncode == 2
    assert run("verify", tmp_path / "unmarked.png", tmp_path / "contested.jpg").returncode == 1
    assert run("verify", tmp_path / "contested.jpg", tmp_path / "missing.png").returncode == 3


def test_files_that_cannot_be_read_get_a_plain_error_while_the_others_go_on(marked, tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "half.jpg").write_bytes(encoded(photograph(), "JPEG")[:9000])
    (tmp_path / "vast.gif").write_bytes(b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + bytes(200))
    names = ("empty.png", "half.jpg", "missing.png", "vast.gif")
    done = run("verify", *(tmp_path / name for name in names), marked, "--json")
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
    assert [("error" in item, item.get("outcome")) for item in objects(done)][-1] == (False, "disclosed")
    assert ["error" in item for item in objects(done)] == [True] * 4 + [False]
    for name in names:
        assert name in done.stderr.decode()


def test_standard_input_and_output_are_a_pipe(picture):
    done = run("mark", "-", "-o", "-", "--system", "Studio", stdin=picture.read_bytes())
    assert done.returncode == 0, done.stderr
    (verdict,) = objects(run("verify", "-", "--json", stdin=done.stdout))
    assert (verdict["file"], verdict["outcome"]) == ("standard input", "disclosed")


def test_a_folder_is_marked_into_a_folder_and_inputs_stay_as_they_were(tmp_path):
    source = tmp_path / "in"
    (source / "deep").mkdir(parents=True)
    (source / "a.png").write_bytes(encoded(photograph()))
    (source / "deep" / "b.jpg").write_bytes(encoded(photograph("coffee"), "JPEG"))
    (source / "notes.txt").write_text("not a picture")
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    done = run("mark", source, "-o", tmp_path / "out", "--json", "--system", "Studio")
    assert done.returncode == 0, done.stderr
    assert "1 file(s)" in done.stderr.decode()
    assert {item["output"] for item in objects(done)} == {
        str(tmp_path / "out" / "a.png"),
        str(tmp_path / "out" / "deep" / "b.jpg"),
    }
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before
    assert run("verify", tmp_path / "out").returncode == 0


def test_one_picture_that_cannot_be_marked_does_not_stop_the_others(picture, tmp_path):
    (tmp_path / "tiny.png").write_bytes(encoded(photograph(width=20, height=20)))
    done = run("mark", tmp_path / "tiny.png", picture, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["boat.jpg"]
    assert b"128" in done.stderr
    assert b"Traceback" not in done.stderr


def test_without_a_name_the_marked_copy_stands_beside_the_original(picture):
    before = picture.read_bytes()
    assert run("mark", picture).returncode == 0
    assert picture.with_name("boat.disclosed.jpg").exists()
    assert picture.read_bytes() == before


def test_marking_a_marked_file_again_leaves_no_second_copy(picture):
    run("mark", picture)
    done = run("mark", picture.with_name("boat.disclosed.jpg"))
    assert done.returncode == 0
    assert sorted(path.name for path in picture.parent.glob("*.jpg")) == ["boat.disclosed.jpg", "boat.jpg"]


def test_a_folder_that_may_not_be_written_is_named(picture, unwritable):
    done = run("mark", picture, "-o", unwritable / "out.jpg")
    assert done.returncode == 1
    assert done.stderr.decode().startswith(f"disclose: cannot write {unwritable}/out.jpg: ")
    assert b"nothing was written" in done.stderr


def test_an_output_folder_that_is_a_file_is_named(picture, tmp_path):
    (tmp_path / "taken").write_text("a file")
    done = run("mark", picture, "-o", tmp_path / "taken" / "out.jpg")
    assert done.returncode == 1
    assert done.stderr.decode().startswith("disclose: cannot make the folder")


def test_several_pictures_do_not_fit_standard_output(picture):
    done = run("mark", picture, picture, "-o", "-")
    assert done.returncode == 2
    assert b"give a folder" in done.stderr


def test_production_is_refused_without_a_real_identity(picture):
    done = run("mark", picture, "--production")
    assert done.returncode == 1
    assert b"DISCLOSE_CERTIFICATES" in done.stderr
    assert not picture.with_name("boat.disclosed.jpg").exists()


def test_escape_sequences_in_a_name_do_not_reach_the_terminal(tmp_path):
    path = tmp_path / "\x1b[31mred.png"
    path.write_bytes(encoded(photograph()))
    done = run("verify", path)
    assert b"\x1b" not in done.stdout + done.stderr


def test_keys_init_makes_an_identity_that_works_and_show_names_it():
    made = json.loads(run("keys", "init", "--json").stdout)
    shown = json.loads(run("keys", "show", "--json").stdout)
    assert made == shown
    assert shown["development"] is True
    assert "not trusted" in shown["subject"]


def test_the_ledger_is_listed_shown_and_checked(marked):
    (entry,) = objects(run("ledger", "list", "--json"))
    identifier = entry["disclosure"]["id"]
    assert json.loads(run("ledger", "show", identifier[:8]).stdout)["disclosure"]["id"] == identifier
    assert identifier in run("ledger", "list").stdout.decode()
    check = run("ledger", "verify", "--json")
    assert (check.returncode, json.loads(check.stdout)["entries"]) == (0, 1)


def test_a_ledger_that_was_changed_is_reported_with_status_one(marked, tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "home" / "ledger.sqlite") as connection:
        connection.execute("DROP TRIGGER entries_no_update")
        connection.execute("UPDATE entries SET sha256 = zeroblob(32)")
    connection.close()
    done = run("ledger", "verify")
    assert done.returncode == 1
    assert b"entry 1 was changed" in done.stderr


@pytest.mark.parametrize(("identifier", "status"), [("ffff", 2), ("not an id", 2)])
def test_an_identifier_without_an_entry_is_said_so(identifier, status):
    done = run("ledger", "show", identifier)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr


def test_the_layers_are_listed_in_the_order_of_their_planes():
    planes = [item["plane"] for item in objects(run("layers", "--json"))]
    assert planes == sorted(planes, key=["content", "container", "record"].index)
    assert {"image_watermark", "c2pa", "iptc", "fingerprint", "ledger"} <= {
        item["name"] for item in objects(run("layers", "--json"))
    }


def test_every_command_explains_itself():
    for command in ([], ["mark"], ["verify"], ["check"], ["demo"], ["keys"], ["ledger"], ["layers"]):
        done = run(*command, "--help")
        assert done.returncode == 0
        assert b"Usage" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process takes")
def test_the_memory_that_verifying_may_take_is_limited_and_the_limit_lifted_again():
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    with limited_memory():
        during, _ = resource.getrlimit(resource.RLIMIT_AS)
        with pytest.raises(MemoryError):
            bytearray(READING + (1 << 28))
    assert during < 1 << 40
    assert resource.getrlimit(resource.RLIMIT_AS) == before
