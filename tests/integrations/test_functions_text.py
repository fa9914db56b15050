"""The function door for texts: recorded by hash, and otherwise exactly what the function made."""

import asyncio
import gc
import hashlib
import inspect
import json
import logging
import pickle
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pictures import encoded, photograph

import disclose
from disclose.errors import LedgerError, ProfileError, UnreadableError, UnsupportedError
from disclose.evidence import Basis, Binding, Outcome
from disclose.integrations.text_stream import MarkedText, TextStream, asset_of
from disclose.profile import Profile

STATEMENT = {"system": "Studio", "version": "2.1", "provider": "Acme GmbH"}
ISLAND = "People have lived on its island for more than two thousand years.\n"
PIECES = ["The capital", " of France", "", " is Paris.\n", ISLAND, "It lies on the Seine; 東", "京 does not. 👩", "‍🔬"]
ANSWER = "".join(PIECES)


def outcome(text, profile):
    return disclose.verify(text, profile).outcome


def broken(profile):
    """Return *profile* with a ledger that cannot be opened."""
    (profile.folder / "ledger.sqlite").mkdir(parents=True)
    return profile


def completeness(profile):
    return [record.mark_of("text").details["complete"] for record in profile.ledger().records()]


# --- one text -------------------------------------------------------------------------------------------------


def test_a_text_leaves_unchanged_with_the_disclosure_it_is_on_record_under(profile):
    answer = disclose.marked(profile, **STATEMENT)(lambda: ANSWER)()
    assert isinstance(answer, MarkedText)
    assert (answer, str(answer), json.dumps({"text": answer})) == (ANSWER, ANSWER, json.dumps({"text": ANSWER}))
    verdict = disclose.verify(ANSWER, profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert any((item.basis, item.binding) == (Basis.RECORD, Binding.HARD) for item in verdict.evidence)
    assert verdict.disclosure == answer.disclosure
    assert answer.disclosure.provider == "Acme GmbH"


def test_the_record_holds_the_hash_of_the_text_and_not_one_of_its_words(profile):
    disclose.marked(profile, **STATEMENT)(lambda: ANSWER)()
    (record,) = profile.ledger().records()
    assert record.sha256 == hashlib.sha256(ANSWER.encode()).hexdigest()
    assert record.media_type == "text/plain"
    profile.ledger().close()
    for path in profile.folder.rglob("*"):
        assert not path.is_file() or b"Seine" not in path.read_bytes(), path


def test_a_text_that_anybody_may_have_written_is_indicated_and_no_more(profile):
    disclose.marked(profile, **STATEMENT)(lambda: "Yes.")()
    verdict = disclose.verify("Yes.", profile)
    assert verdict.outcome is Outcome.INDICATED
    assert any("written by others too" in one.summary for one in verdict.evidence)
    assert not any(one.is_bound for one in verdict.evidence)
    assert outcome(ANSWER[:40], profile) is Outcome.UNDETERMINED


def test_a_text_that_was_edited_is_known_by_its_words_and_not_by_its_bytes(profile):
    disclose.marked(profile, **STATEMENT)(lambda: ANSWER)()
    found = {one.layer for one in disclose.verify(ANSWER + " ", profile).evidence}
    assert (found & {"ledger", "text_fingerprint"}) == {"text_fingerprint"}


def test_a_file_that_holds_the_text_leads_to_its_record(profile, tmp_path, monkeypatch):
    disclose.marked(profile, **STATEMENT)(lambda: ANSWER)()
    profile.ledger().close()
    (tmp_path / "answer.txt").write_bytes(ANSWER.encode())
    assert outcome(tmp_path / "answer.txt", profile) is Outcome.DISCLOSED
    assert outcome(str(tmp_path / "answer.txt"), profile) is Outcome.DISCLOSED
    monkeypatch.setenv("DISCLOSE_HOME", str(profile.folder))
    command = [sys.executable, "-m", "disclose", "verify", "answer.txt", "--json"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, check=False)
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (0, "disclosed")


def test_equal_texts_are_issued_each_under_its_own_identifier(profile):
    say = disclose.marked(profile, **STATEMENT)(lambda: ANSWER)
    assert say().disclosure.id != say().disclosure.id


def test_a_text_that_is_on_record_already_is_not_recorded_again(profile):
    inner = disclose.marked(profile, **STATEMENT)(lambda: ANSWER)
    outer = disclose.marked(profile, system="Another")(inner)
    assert outer().disclosure.system == "Studio"
    assert len(profile.ledger()) == 1


def test_texts_in_lists_are_marked_one_by_one(profile):
    one, other, picture, none = disclose.marked(profile, **STATEMENT)(lambda: ["one", "other", photograph(), None])()
    assert one.disclosure.id != other.disclosure.id
    assert outcome(picture, profile) is Outcome.DISCLOSED
    assert none is None


def test_an_empty_text_shows_nothing_and_is_not_recorded(profile):
    assert disclose.marked(profile, **STATEMENT)(lambda: "")() == ""
    assert len(profile.ledger()) == 0


def test_a_text_of_another_kind_keeps_its_kind(profile):
    class Markup(str):
        __slots__ = ()

    result = disclose.marked(profile, **STATEMENT)(lambda: Markup(f"<b>{ANSWER}</b>"))()
    assert type(result) is Markup
    assert outcome(f"<b>{ANSWER}</b>", profile) is Outcome.DISCLOSED


def test_a_marked_text_survives_pickling(profile):
    answer = disclose.marked(profile, **STATEMENT)(lambda: ANSWER)()
    again = pickle.loads(pickle.dumps(answer))  # noqa: S301
    assert (again, again.disclosure) == (answer, answer.disclosure)


def test_a_text_that_cannot_be_put_on_record_does_not_leave(profile, caplog):
    with pytest.raises(LedgerError):
        disclose.marked(broken(profile), **STATEMENT)(lambda: ANSWER)()
    assert "Paris" not in caplog.text


@pytest.mark.parametrize("settings", [{"layers": ("c2pa",)}, {"optional": frozenset({"ledger"})}])
def test_a_profile_that_might_not_record_a_text_refuses_it(settings, tmp_path):
    with pytest.raises(UnsupportedError, match="ledger"):
        disclose.marked(Profile(folder=tmp_path, **settings), **STATEMENT)(lambda: ANSWER)()


def test_half_a_surrogate_pair_is_refused_and_says_where_it_stands(profile):
    with pytest.raises(UnsupportedError, match="character 3 is half of a surrogate pair"):
        disclose.marked(profile, **STATEMENT)(lambda: "abc\ud83d def")()
    assert len(profile.ledger()) == 0


@given(some.text(min_size=1))
def test_a_text_whose_characters_json_wrote_in_halves_is_the_same_text(text):
    halves = text.encode("utf-16-le")
    split = "".join(chr(int.from_bytes(halves[at : at + 2], "little")) for at in range(0, len(halves), 2))
    assert asset_of(split).data == asset_of(text).data == text.encode()


# --- text or path ---------------------------------------------------------------------------------------------


def test_a_path_object_is_always_a_path(profile, tmp_path):
    with pytest.raises(UnreadableError):
        disclose.marked(profile, **STATEMENT)(lambda: tmp_path / "missing.png")()


def test_one_line_that_names_a_picture_is_a_path_and_every_other_text_a_text(profile, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    Path("cat").write_bytes(encoded(photograph()))
    Path("LICENSE").write_text("Free for all.")
    Path("sub").mkdir()
    mark = disclose.marked(profile, **STATEMENT)(lambda answer: answer)
    assert disclose.verify(Path(mark("cat")), profile).outcome is Outcome.DISCLOSED
    assert Path("cat.disclosed").exists()
    for text in ("LICENSE", "sub", "cat\n", "missing.png", "a" * 5000, "nul\0", "."):
        assert isinstance(mark(text), MarkedText), text
    assert "also the name of a file (text/plain)" in caplog.text
    assert "LICENSE" not in caplog.text


def test_mark_takes_texts_too_and_tells_a_misspelt_path_from_one(profile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asset = disclose.mark(ANSWER, profile, **STATEMENT)
    assert (asset.data, asset.media_type, asset.sidecar) == (ANSWER.encode(), "text/plain", None)
    assert outcome(ANSWER, profile) is Outcome.DISCLOSED
    with pytest.raises(UnreadableError, match=r"missing\.png"):
        disclose.mark("missing.png", profile, **STATEMENT)
    Path("notes.txt").write_text("Mind the gap.")
    with pytest.raises(UnsupportedError, match="sidecar"):
        disclose.mark("notes.txt", profile, **STATEMENT)
    with pytest.raises(UnreadableError):
        disclose.mark("", profile, **STATEMENT)


def test_a_text_can_be_signed_beside_it(profile, tmp_path):
    disclose.mark(ANSWER, profile, sidecar=True, **STATEMENT).save(tmp_path / "answer.txt")
    verdict = disclose.verify(tmp_path / "answer.txt", profile)
    assert (tmp_path / "answer.txt").read_bytes() == ANSWER.encode()
    assert {item.layer for item in verdict.evidence if item.is_bound} == {"c2pa", "ledger", "text_fingerprint"}


def test_what_a_text_was_made_from_stands_in_its_manifest_or_it_is_refused(profile):
    picture = disclose.mark(encoded(photograph()), profile, system="Camera")
    with pytest.raises(UnsupportedError, match="sidecar=True"):
        disclose.mark(ANSWER, profile, inputs=[picture], **STATEMENT)
    signed = disclose.mark(ANSWER, profile, inputs=[picture], sidecar=True, **STATEMENT)
    assert b"c2pa.ingredient" in signed.sidecar
    assert disclose.verify(signed, profile).disclosure.system == "Studio"


# --- texts as they are written --------------------------------------------------------------------------------


def test_a_generator_passes_each_piece_on_before_the_next_is_made(profile):
    made = []

    @disclose.marked(profile, **STATEMENT)
    def write():
        for piece in PIECES:
            made.append(piece)
            yield piece

    assert inspect.isgeneratorfunction(write)
    for count, piece in enumerate(write(), 1):
        assert piece is PIECES[count - 1]
        assert len(made) == count
    assert outcome(ANSWER, profile) is Outcome.DISCLOSED
    assert completeness(profile) == [True]


def test_an_asynchronous_generator_does_so_too(profile):
    @disclose.marked(profile, **STATEMENT)
    async def write():
        for piece in PIECES:
            yield piece

    async def read():
        return [piece async for piece in write()]

    assert inspect.isasyncgenfunction(write)
    assert asyncio.run(read()) == PIECES
    assert outcome(ANSWER, profile) is Outcome.DISCLOSED


def test_a_coroutine_returns_its_text(profile):
    @disclose.marked(profile, **STATEMENT)
    async def answer():
        return ANSWER

    assert asyncio.run(answer()).disclosure.system == "Studio"


def test_what_is_sent_or_thrown_into_a_generator_reaches_it(profile):
    @disclose.marked(profile)
    def answer():
        question = yield "Ask."
        try:
            yield f"You asked {question}."
        except KeyError:
            yield "You gave up."

    talk = answer()
    assert [next(talk), talk.send("why"), talk.throw(KeyError())] == ["Ask.", "You asked why.", "You gave up."]
    assert list(talk) == []
    assert disclose.verify("Ask.You asked why.You gave up.", profile).outcome is Outcome.INDICATED


def test_what_is_sent_or_thrown_into_an_asynchronous_generator_reaches_it(profile):
    @disclose.marked(profile)
    async def answer():
        question = yield "Ask."
        try:
            yield f"You asked {question}."
        except KeyError:
            yield "You gave up."

    async def talked():
        talk = answer()
        said = [await anext(talk), await talk.asend("why"), await talk.athrow(KeyError())]
        return said + [piece async for piece in talk]

    assert asyncio.run(talked()) == ["Ask.", "You asked why.", "You gave up."]


def test_what_has_left_of_a_generator_that_is_closed_early_is_recorded_as_incomplete(profile):
    ended = []

    @disclose.marked(profile, **STATEMENT)
    def write():
        try:
            yield from PIECES
        finally:
            ended.append(True)

    writing = write()
    assert next(writing) + next(writing) == "The capital of France"
    writing.close()
    assert ended == [True]
    assert outcome("The capital of France", profile) is Outcome.INDICATED
    assert completeness(profile) == [False]


def test_a_generator_nobody_finishes_is_recorded_too(profile):
    @disclose.marked(profile, **STATEMENT)
    def write():
        yield from PIECES

    writing = write()
    next(writing)
    del writing
    gc.collect()
    assert completeness(profile) == [False]


def test_what_has_left_of_an_asynchronous_generator_is_recorded_when_its_reader_is_cancelled(profile):
    ended = []

    @disclose.marked(profile, **STATEMENT)
    async def write():
        try:
            yield "The capital"
            await anyio.sleep_forever()
        finally:
            ended.append(True)

    async def read():
        with anyio.move_on_after(0.3):
            async for _ in write():
                pass

    anyio.run(read)
    assert ended == [True]
    assert outcome("The capital", profile) is Outcome.INDICATED
    assert completeness(profile) == [False]


def test_a_generator_that_fails_fails_as_it_did_and_what_has_left_is_recorded(profile):
    @disclose.marked(profile, **STATEMENT)
    def write():
        yield "The capital"
        raise ZeroDivisionError("the model fell over")

    writing = write()
    next(writing)
    with pytest.raises(ZeroDivisionError, match="fell over"):
        next(writing)
    assert completeness(profile) == [False]


def test_no_piece_leaves_where_the_whole_could_not_be_recorded(profile):
    @disclose.marked(broken(profile), **STATEMENT)
    def write():
        yield from PIECES

    with pytest.raises(LedgerError):
        next(write())


def test_a_generator_whose_preset_asks_for_more_yields_nothing(tmp_path):
    demanding = Profile.load(folder=tmp_path, preset="china")

    @disclose.marked(demanding)
    def write():
        yield from PIECES

    with pytest.raises(ProfileError):
        next(write())


def test_a_generator_may_yield_pictures_between_the_pieces_of_a_text(profile):
    @disclose.marked(profile, **STATEMENT)
    def write():
        yield "A boat: "
        yield photograph()
        yield ANSWER

    one, picture, other = write()
    assert (one, other) == ("A boat: ", ANSWER)
    assert outcome(picture, profile) is Outcome.DISCLOSED
    assert outcome(f"A boat: {ANSWER}", profile) is Outcome.DISCLOSED


def test_the_identifier_of_a_stream_is_known_before_its_first_piece(profile):
    stream = TextStream(profile, STATEMENT)
    drawn = stream.disclosure.id
    assert [stream.feed(piece) for piece in PIECES] == PIECES
    assert stream.finish().disclosure.id == drawn
    assert stream.finish() is None
    assert [record.disclosure.id for record in profile.ledger().records()] == [drawn]


def test_no_log_line_holds_a_word_of_the_text(profile, caplog):
    caplog.set_level(logging.DEBUG)
    list(disclose.marked(profile, **STATEMENT)(lambda: ANSWER)())
    assert "Seine" not in caplog.text
    assert all("Seine" not in str(vars(record)) for record in caplog.records)


# --- layers of texts ------------------------------------------------------------------------------------------


PROSE = (
    "The harbour of the old town lies behind two long walls of grey stone, and in the evening the fishing boats come"
    " back one after another, while on the quay the nets are mended, the prices called out and the last crates of ice"
    " carried into the sheds before the lamps are lit along the water."
)


def test_an_edited_answer_of_a_stream_is_found_again_by_its_phrases(tmp_path):
    profile = Profile(folder=tmp_path, layers=("c2pa", "text_fingerprint", "ledger"))

    @disclose.marked(profile, **STATEMENT)
    def write():
        yield from PROSE.split(" the ")[:1]
        yield " the " + PROSE.split(" the ", 1)[1]

    assert "".join(write()) == PROSE
    verdict = disclose.verify(PROSE.replace("grey stone", "red brick"), profile)
    assert verdict.outcome is Outcome.INDICATED
    found = next(item for item in verdict.evidence if item.layer == "text_fingerprint")
    assert found.id == profile.ledger().records()[0].disclosure.id


def test_a_layer_that_changes_texts_changes_whole_ones_and_refuses_streams(tmp_path, caplog):
    layers = ("text_pointer", "ledger")
    profile = Profile(folder=tmp_path, layers=layers)
    answer = disclose.marked(profile, **STATEMENT)(lambda: PROSE)()
    assert answer.startswith(PROSE)
    assert len(answer) > len(PROSE)
    assert outcome(str(answer), profile) is Outcome.DISCLOSED

    def write():
        yield PROSE

    with pytest.raises(UnsupportedError, match="text_pointer"):
        list(disclose.marked(profile, **STATEMENT)(write)())
    lenient = Profile(folder=tmp_path, layers=layers, optional=frozenset({"text_pointer"}))
    assert list(disclose.marked(lenient, **STATEMENT)(write)()) == [PROSE]
    assert "skipped the optional layer text_pointer" in caplog.text


def duty_on_record(text, profile):
    (mark,) = [mark for mark in profile.ledger().find(text.disclosure.id)[0].marks if mark.layer == "duty"]
    return mark.details


def test_the_record_says_whether_a_watermark_was_due_and_why(profile):
    long = ISLAND * 30
    write = disclose.marked(profile, **STATEMENT)(lambda text: text)
    assert duty_on_record(write(long), profile)["reason"] == "free-form text"
    assert duty_on_record(write(ANSWER), profile)["reason"] == "very short text"
    plan = disclose.marked(profile, route="machine", **STATEMENT)(lambda text: text)
    assert duty_on_record(plan(long), profile)["watermark"] is False
    translate = disclose.marked(profile, function="translation", **STATEMENT)(lambda text: text)
    assert duty_on_record(translate(long), profile)["reason"] == "assistive editing"


def test_the_record_of_a_stream_says_so_too(profile):
    stream = TextStream(profile, STATEMENT, function="extraction")
    for piece in [ISLAND] * 30:
        stream.feed(piece)
    stream.finish()
    assert duty_on_record(stream, profile)["reason"] == "extracted or for an interface"


@pytest.mark.parametrize("use", [{"route": "people"}, {"function": "poetry"}])
def test_a_use_that_there_is_not_is_refused_where_it_is_written(use):
    with pytest.raises(ValueError, match=next(iter(use.values()))):
        disclose.marked(**use, **STATEMENT)
