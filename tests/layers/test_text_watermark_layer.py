"""The text watermark as evidence: how sure, over how much of the text, under what was tried, and why not surer."""

import json

import numpy
import pytest
from answers import answers

import disclose
from disclose.errors import ProfileError
from disclose.evidence import Outcome, Verdict
from disclose.layer import Layer
from disclose.layers.text_watermark import TextWatermarkLayer
from disclose.media import text_frames
from disclose.watermark.text import gumbel, murmur, philox
from disclose.watermark.text.prf import engine_key

KEY, OTHER = b"a key of the tests, 32 bytes long", b"another key of the tests, as long"
WORDS = tuple(dict.fromkeys(word for text in answers() for word in text.split() if word.isalpha()))[:512]
NUMBERS = {word: number for number, word in enumerate(WORDS)}


def encode(text):
    return [NUMBERS.get(word, 0) for word in text.split()]


def written(tokens, key=KEY, start=1):
    """Return what a model without any preference would write under *key*: the real engine over a small vocabulary."""
    ids = [start, 2, 3, 4]
    for _ in range(tokens):
        ids.append(gumbel.sample(numpy.zeros(len(WORDS)), ids, key))
    return " ".join(WORDS[one] for one in ids)


@pytest.fixture(scope="module")
def layer():
    schemes = {"gumbel": gumbel.detect}
    return TextWatermarkLayer(tokenizers={"words": encode}, keys={"one": KEY, "two": OTHER}, schemes=schemes)


@pytest.fixture(scope="module")
def marked():
    return written(120)


def found(layer, text):
    (evidence,) = layer.detect(disclose.Asset.open(text.encode()))
    return evidence


def test_it_is_a_layer(layer):
    assert isinstance(layer, Layer)


def test_a_marked_text_is_disclosed_and_all_that_was_tried_is_named(layer, marked):
    evidence = found(layer, marked)
    assert Verdict.weigh([evidence]).outcome is Outcome.DISCLOSED
    assert evidence.p_value < 1e-6
    assert "key one" in evidence.details["examined"]
    assert "tokenizer words" in evidence.details["examined"]
    assert evidence.details["hypotheses"] >= 2
    assert evidence.details["tokens_scored"] <= evidence.details["tokens"]
    assert json.loads(json.dumps(evidence.to_dict()))["details"]["token_spans"]


def test_a_marked_passage_in_a_long_text_speaks_for_itself_alone(layer, marked):
    evidence = found(layer, "\n\n".join([*answers()[:6], marked, *answers()[6:12]]))
    assert Verdict.weigh([evidence]).outcome is Outcome.INDICATED
    assert evidence.details["share"] < 0.5
    assert evidence.details["token_spans"]


def test_two_answers_between_other_people_s_words_do_not_speak_for_these(layer, marked):
    evidence = found(
        layer, "\n\n".join([answers()[0], marked, *answers()[1:4], written(120, start=5), *answers()[4:6]])
    )
    assert len(evidence.details["token_spans"]) == 2
    assert evidence.details["share"] < 0.5
    assert Verdict.weigh([evidence]).outcome is Outcome.INDICATED


def test_answers_under_two_keys_speak_for_a_text_together(layer, marked):
    text = f"{marked} {' '.join(answers()[0].split()[:30])} {written(120, OTHER)}"
    evidence = layer.detect(disclose.Asset.open(text.encode()))
    assert all(one.details["share"] < 0.5 for one in evidence)
    assert sorted(one.details["examined"].split(",")[1] for one in evidence) == [" key one", " key two"]
    assert Verdict.weigh(evidence).outcome is Outcome.DISCLOSED
    three = f"{text} {answers()[0]} {answers()[1]} {answers()[2]} {answers()[3]}"
    assert Verdict.weigh(layer.detect(disclose.Asset.open(three.encode()))).outcome is Outcome.INDICATED


def test_a_manifest_in_a_marked_text_hides_nothing_of_its_mark(layer, marked):
    plain, signed = (found(layer, one) for one in (marked, marked + text_frames.invisible(bytes(2000))))
    assert signed.details == plain.details
    block = "# -----BEGIN C2PA MANIFEST-----\ndata:application/c2pa;base64,AAAA\n-----END C2PA MANIFEST-----"
    assert found(layer, f"{marked}\n{block}").details == plain.details


def test_a_short_text_is_undetermined_for_that_reason_and_nothing_more_is_said(layer):
    evidence = found(layer, written(1))
    assert Verdict.weigh([evidence]).outcome is Outcome.UNDETERMINED
    assert evidence.details["reason"] == "too short"
    assert not evidence.generated


def test_a_text_without_the_mark_is_never_called_a_person_s(layer):
    for text in answers()[:20]:
        evidence = found(layer, text)
        assert Verdict.weigh([evidence]).outcome is Outcome.UNDETERMINED
        assert "human" not in evidence.summary.lower()


def test_the_record_says_whether_a_mark_was_due_and_how_surely_it_is_there(layer, marked):
    statement = disclose.Disclosure.new(system="Writer")
    mark = layer.mark(disclose.Asset.open(marked.encode()), statement).mark_of("text_watermark")
    assert mark.details["duty"]["reason"] == "free-form text"
    assert mark.details["p_value"] < 1e-6
    assert (mark.details["examined"], mark.details["reason"]) == (True, "marked")
    short = layer.mark(disclose.Asset.open(b"Yes."), statement).mark_of("text_watermark")
    assert short.details["duty"]["watermark"] is False


def test_a_profile_that_names_key_and_tokenizer_finds_the_mark(tmp_path, marked):
    (tmp_path / "one.key").write_bytes(KEY)
    named = {"text_key_files": [tmp_path / "one.key"], "tokenizers": [f"{__name__}:encode"]}
    profile = disclose.Profile(folder=tmp_path / "home", **named)
    verdict = disclose.verify(marked, profile)
    (evidence,) = [one for one in verdict.evidence if one.layer == "text_watermark"]
    assert (verdict.outcome, evidence.generated) == (Outcome.DISCLOSED, True)
    assert "key one" in evidence.details["examined"]
    assert KEY.decode() not in repr(profile.resources())


def streamed(profile, text):
    """Write *text* as a model does, word by word, and return what the record says of its watermark."""

    @disclose.marked(profile, system="Writer")
    def answer():
        yield from (f"{word} " for word in text.split())

    assert "".join(answer()).split() == text.split()
    (record,) = profile.ledger().records()
    return record.mark_of("text_watermark").details


def streaming(folder, tokenizer=f"{__name__}:encode", key="one.key"):
    (folder / key).write_bytes(KEY)
    return disclose.Profile(
        folder=folder / "home",
        layers=("ledger", "text_watermark"),
        text_key_files=[folder / key],
        tokenizers=[tokenizer],
    )


def test_a_stream_that_its_model_marked_is_on_record_as_marked(tmp_path, marked):
    details = streamed(streaming(tmp_path), marked)
    assert (details["examined"], details["reason"]) == (True, "marked")
    assert details["p_value"] < 1e-6


def test_a_stream_that_nobody_marked_is_on_record_as_one_without_a_mark(tmp_path, caplog):
    details = streamed(streaming(tmp_path), written(250, OTHER))
    assert (details["examined"], details["reason"]) == (True, "not found")
    assert details["p_value"] > 1e-4
    assert details["duty"]["watermark"]
    assert "does not show one" in caplog.text


@pytest.mark.parametrize("tokenizer", ["no_such_module:encode", f"{__name__}:ragged", f"{__name__}:failing"])
def test_a_stream_that_cannot_be_examined_is_on_record_as_such(tmp_path, marked, caplog, tokenizer):
    details = streamed(streaming(tmp_path, tokenizer), marked)
    assert details["examined"] is False
    assert "p_value" not in details
    assert "unexamined" in caplog.text
    assert marked.split()[0] not in details["reason"]


def ragged(text):
    return [[1], [2, 3]]


def failing(text):
    raise RuntimeError(text)


def test_without_a_key_a_stream_is_on_record_as_unexamined(tmp_path, marked):
    profile = disclose.Profile(folder=tmp_path, layers=("text_watermark", "ledger"))
    details = streamed(profile, marked)
    assert (details["examined"], details["duty"]["watermark"]) == (False, True)
    assert "text_key_files" in details["reason"]


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_a_key_whose_name_ends_in_an_engine_s_finds_the_mark_of_that_engine_alone(tmp_path, engine):
    profile = streaming(tmp_path, key=f"answers.{engine}.key")
    text = of_engine(engine)
    (found,) = [one for one in disclose.verify(text, profile).evidence if one.layer == "text_watermark"]
    assert found.p_value < 1e-6
    assert found.details["examined"].startswith(f"{engine}, key answers.{engine}")
    plain = profile._layers(("text_watermark",))[0]
    (missed,) = plain.detect(disclose.Asset.open(written(120).encode()))
    assert not missed.generated


def of_engine(engine):
    """Return what a model without any preference would write inside *engine*, by its published numbers."""
    key, ids, everything = engine_key(KEY, engine), [1, 2, 3, 4], numpy.arange(len(WORDS))
    for _ in range(80):
        context = numpy.array([ids[-4:]], numpy.uint32)
        if engine == "vllm":
            numbers = philox.uniform(key, numpy.broadcast_to(context, (len(WORDS), 4)), everything)
        else:
            of_context = numpy.repeat(murmur.context_hashes(context), len(WORDS))
            numbers = murmur.uniform(murmur.token_hashes(key, of_context, everything))
        ids.append(int(numpy.argmax(numbers)))
    return " ".join(WORDS[one] for one in ids)


@pytest.mark.parametrize("reference", ["no_such_module:encode", "json:no_such_function", "json:__doc__"])
def test_a_tokenizer_that_is_not_there_is_refused_by_name(tmp_path, reference):
    (tmp_path / "one.key").write_bytes(KEY)
    profile = disclose.Profile(folder=tmp_path, text_key_files=[tmp_path / "one.key"], tokenizers=[reference])
    with pytest.raises(ProfileError, match=reference):
        profile._layers(("text_watermark",))[0].detect(disclose.Asset.open(b"A text."))


def test_a_tokenizer_without_a_key_is_refused(tmp_path):
    with pytest.raises(ProfileError, match="text_key_files"):
        disclose.Profile(folder=tmp_path, tokenizers=["json:loads"]).verifier()
