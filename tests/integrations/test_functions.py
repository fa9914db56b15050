import asyncio
import inspect
import io
from pathlib import Path
from typing import NamedTuple

import numpy
import pytest
from pictures import encoded, photograph
from PIL import Image

import disclose
from disclose.errors import MarkingError, ProfileError
from disclose.evidence import Outcome

STATEMENT = {"system": "Studio", "version": "2.1", "provider": "Acme GmbH"}


def outcome(result, profile):
    return disclose.verify(result, profile).outcome


def test_a_function_that_returns_a_picture_returns_a_picture_that_saves_signed_files(profile, tmp_path):
    @disclose.marked(profile, **STATEMENT)
    def draw(prompt):
        """Draw."""
        return photograph()

    picture = draw("a boat")
    assert isinstance(picture, Image.Image)
    assert (draw.__name__, draw.__doc__) == ("draw", "Draw.")
    picture.save(tmp_path / "boat.jpg", quality=88)
    verdict = disclose.verify(tmp_path / "boat.jpg", profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert verdict.disclosure.provider == "Acme GmbH"


SHAPES = {
    "array": lambda _: numpy.asarray(photograph()),
    "grey array": lambda _: numpy.asarray(photograph().convert("L")),
    "bytes": lambda _: encoded(photograph(), "WEBP", quality=90),
    "bytearray": lambda _: bytearray(encoded(photograph())),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_result_leaves_marked(shape, profile):
    result = disclose.marked(profile, **STATEMENT)(SHAPES[shape])(None)
    if isinstance(result, Image.Image):
        buffer = io.BytesIO()
        result.save(buffer, "PNG")
        result = buffer.getvalue()
    assert outcome(result, profile) is Outcome.DISCLOSED


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_leads_to_a_marked_copy_and_the_original_stays_as_it_was(kind, profile, tmp_path):
    original = tmp_path / "made.png"
    original.write_bytes(encoded(photograph()))
    before = original.read_bytes()
    result = disclose.marked(profile, **STATEMENT)(lambda: kind(original))()
    assert isinstance(result, kind if kind is str else Path)
    assert Path(result) != original
    assert original.read_bytes() == before
    assert outcome(result, profile) is Outcome.DISCLOSED


def test_lists_and_named_tuples_are_marked_item_by_item(profile):
    class Output(NamedTuple):
        images: list
        note: None

    @disclose.marked(profile, **STATEMENT)
    def draw():
        return Output(images=[photograph(), photograph("coffee")], note=None)

    result = draw()
    assert type(result) is Output
    assert result.note is None
    assert len({picture.disclosure.id for picture in result.images}) == 2


def test_a_coroutine_stays_one(profile):
    @disclose.marked(profile, **STATEMENT)
    async def draw():
        return photograph()

    assert inspect.iscoroutinefunction(draw)
    assert outcome(asyncio.run(draw()), profile) is Outcome.DISCLOSED


def test_an_object_that_is_called_is_what_its_class_makes_of_that(profile):
    class Model:
        async def __call__(self, prompt):
            return prompt

    class Writer:
        def __call__(self, prompt):
            yield prompt

    assert asyncio.run(disclose.marked(profile)(Model())("a text")).disclosure.system
    assert list(disclose.marked(profile)(Writer())("a text")) == ["a text"]


def test_a_generator_stays_one_and_marks_each_item_as_it_comes(profile):
    made = []

    @disclose.marked(profile, **STATEMENT)
    def draw():
        for name in ("astronaut", "coffee"):
            made.append(name)
            yield photograph(name)

    assert inspect.isgeneratorfunction(draw)
    drawing = draw()
    assert outcome(next(drawing), profile) is Outcome.DISCLOSED
    assert made == ["astronaut"]
    assert outcome(next(drawing), profile) is Outcome.DISCLOSED


def test_an_asynchronous_generator_stays_one(profile):
    @disclose.marked(profile, **STATEMENT)
    async def draw():
        yield photograph()
        yield photograph("coffee")

    async def collect():
        return [picture async for picture in draw()]

    assert inspect.isasyncgenfunction(draw)
    assert [outcome(picture, profile) for picture in asyncio.run(collect())] == [Outcome.DISCLOSED] * 2


def test_what_cannot_be_marked_does_not_leave(profile):
    with pytest.raises(MarkingError):
        disclose.marked(profile, **STATEMENT)(lambda: Image.new("RGB", (300, 300), "white"))()


def test_what_is_no_picture_does_not_leave_silently_unmarked(profile):
    with pytest.raises(disclose.DiscloseError, match="float64"):
        disclose.marked(profile, **STATEMENT)(lambda: numpy.zeros((300, 300, 3)))()


def test_a_misspelt_statement_is_refused_where_it_is_written():
    with pytest.raises(ProfileError, match="provder"):
        disclose.marked(system="Studio", provder="Acme")


def test_the_decorator_without_parentheses_is_explained():
    with pytest.raises(TypeError, match="parentheses"):
        disclose.marked(lambda: None)


def test_the_default_profile_is_the_one_the_environment_describes(tmp_path):
    disclose.mark(photograph(), system="Studio")
    assert (tmp_path / "home" / "ledger.sqlite").exists()
