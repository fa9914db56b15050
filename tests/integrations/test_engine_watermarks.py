"""The doors of engines that mark text themselves, by their documentation."""

import json
import stat

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclose.errors import IdentityError, MarkingError
from disclose.integrations import llama_cpp, sglang, tensorrt_llm, vllm
from disclose.watermark.text import Reason, gumbel, murmur, philox
from disclose.watermark.text.prf import engine_key

KEY = b"a key that only the tests hold.."


def asked(body: bytes, *, method: str = "POST", chunks: int = 3):
    """Send *body* through the middleware in pieces and return (status, what the engine read)."""
    read, sent = bytearray(), []

    async def engine(scope, receive, send):
        while True:
            message = await receive()
            read.extend(message.get("body", b""))
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})

    size = -(-len(body) // chunks) or 1
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    anyio.run(vllm.RequireWatermark(engine), {"type": "http", "method": method}, receive, send)
    return sent[0]["status"], bytes(read)


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"watermarking": True},
        {"watermarking": None, "temperature": 0.7},
        {"messages": [{"role": "user", "content": '"watermarking": false'}]},
    ],
)
def test_a_request_that_will_be_marked_reaches_vllm_byte_for_byte(request_):
    body = json.dumps(request_, indent=3).encode()
    assert asked(body) == (200, body)


@pytest.mark.parametrize(
    "request_",
    [
        {"watermarking": False},
        {"watermarking": 0},
        {"watermarking": "false"},
        {"watermarking": "off"},
        {"sampling_params": {"watermarking": False}},
        {"extra_body": {"watermarking": False}},
        {"vllm_xargs": {"watermarking": False}},
        {"temperature": 0},
        {"temperature": 0.0},
        {"temperature": False},
        {"temperature": "0"},
        {"temperature": " -0.0 "},
        {"temperature": 0.009},
        {"top_k": 1},
        {"top_k": "1"},
        {"k": 1},
        {"min_p": 1.0},
        {"top_p": 1e-9},
        {"sampling_params": {"temperature": 0}},
        {"use_beam_search": True},
    ],
)
def test_a_request_that_would_leave_unmarked_does_not_reach_vllm(request_):
    assert asked(json.dumps(request_).encode()) == (400, b"")


@pytest.mark.parametrize(
    "body",
    [
        b'{"watermarking": false, "watermarking": true}',
        b'{"watermarking": true, "watermarking": false}',
        b'{"watermarking": true, "\\u0077atermarking": false}',
        b'{"sampling_params": {"temperature": 0, "temperature": 1}}',
        b"[" * 100_000,
    ],
)
def test_a_request_that_two_readers_could_read_in_two_ways_is_refused(body):
    assert asked(body) == (400, b"")


@pytest.mark.parametrize("quote", [b'"', b""])
def test_a_form_that_opts_out_is_refused(quote):
    field = b"--x\r\nContent-Disposition: form-data; name=" + quote + b"%s" + quote + b"\r\n\r\nfalse\r\n--x--\r\n"
    assert asked(field % b"watermarking") == (400, b"")
    assert asked(field % b"language") == (200, field % b"language")


@pytest.mark.parametrize("value", [None, "warm", [0], {}, "1e999", 10**400])
def test_what_is_no_temperature_is_left_to_the_engine(value):
    body = json.dumps({"temperature": value}).encode()
    assert asked(body) == (200, body)


def test_the_refusal_says_why_in_the_form_of_the_api():
    with pytest.raises(MarkingError, match="leave 'watermarking' out"):
        vllm.admit({"watermarking": False})


@given(st.binary(max_size=200))
def test_what_is_no_json_is_left_to_the_engine(body):
    status, read = asked(body)
    assert (status, read) == (200, body) or status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[1, 2]", b'"text"', b"\xff\xfe{"])
def test_other_bodies_and_methods_pass(body):
    assert asked(body) == (200, body)
    assert asked(b'{"watermarking": false}', method="GET") == (200, b'{"watermarking": false}')


def test_the_settings_of_vllm_are_what_its_documentation_takes(tmp_path):
    path = vllm.write_settings(tmp_path / "settings.yaml", KEY)
    config = json.loads(json.loads(path.read_text())["watermark-config"])
    assert config == {
        "algorithm": "gumbel",
        "prf": "philox",
        "key": engine_key(KEY, "vllm"),
        "context_width": 4,
        "deduplicate_contexts": "single_turn",
    }
    assert 0 <= config["key"] < 2**64


def test_the_settings_of_sglang_forbid_the_opt_out(tmp_path):
    path = sglang.write_settings(tmp_path / "watermark.json", KEY)
    settings = json.loads(path.read_text())
    # SGLang 0.5.23 takes the key as 1 to 16 hexadecimal digits, and no setting beside the file.
    assert (len(settings["key"]), int(settings.pop("key"), 16)) == (16, engine_key(KEY, "sglang"))
    assert settings == {"context_window": 4, "enforce_all": True}
    assert sglang.arguments(path) == ["--enable-watermark", "--watermark-config", str(path)]


@pytest.mark.parametrize(
    "request_",
    [
        {"watermark": {"enabled": False}},
        {"watermark": {"enabled": "no"}},
        {"watermark": False},
        {"watermark": {"key": "0123456789abcdef"}},
        {"watermark": {"enabled": True, "key": "0123456789abcdef"}},
        {"watermark": {"enabled": True, "context_window": 1}},
        {"sampling_params": {"watermark": {"enabled": False}}},
        {"sampling_params": [{}, {"watermark": {"key": "01"}}]},
        {"temperature": 0},
        {"temperature": 1e-7},
        {"temperature": "0"},
        {"sampling_params": {"temperature": 0}},
        {"sampling_params": [{"temperature": 1}, {"top_k": 1}]},
    ],
)
def test_sglang_is_not_asked_for_answers_that_would_leave_without_this_mark(request_):
    with pytest.raises(MarkingError):
        sglang.admit(request_)
    sglang.admit({"watermark": {"enabled": True}, "temperature": 0.5, "sampling_params": {"top_p": 0.9}})


def test_the_settings_of_tensorrt_llm_are_what_its_documentation_takes():
    config = tensorrt_llm.watermark_config(KEY, width=5)
    assert set(config) == {"algorithm", "key", "context_width", "deduplicate_contexts"}
    assert config["context_width"] == 5


@pytest.mark.parametrize("write", [vllm.write_settings, sglang.write_settings])
def test_settings_that_hold_a_key_are_the_owners_alone_and_whole(write, tmp_path):
    path = tmp_path / "settings"
    path.write_text("what was there before")
    path.chmod(0o644)
    write(path, KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["settings"]
    with pytest.raises(IdentityError, match="nowhere"):
        write(tmp_path / "nowhere" / "settings", KEY)


def test_no_two_engines_share_a_key_and_none_is_the_secret():
    keys = {engine_key(KEY, engine) for engine in ("vllm", "sglang", "tensorrt_llm")}
    assert len(keys) == 3
    with pytest.raises(IdentityError, match="16 bytes"):
        engine_key(b"short", "vllm")


def test_a_text_under_the_settings_of_vllm_is_found_by_the_secret():
    random, ids = np.random.default_rng(1), [1, 2, 3, 4]
    everything, key = np.arange(500), vllm.watermark_config(KEY)["key"]
    for _ in range(60):
        contexts = np.broadcast_to(np.array(ids[-4:], np.uint32), (500, 4))
        noise = -np.log(-np.log(philox.uniform(key, contexts, everything)))
        ids.append(int(np.argmax(random.normal(0, 2, 500) + noise)))
    assert vllm.detect(ids, KEY).reason is Reason.MARKED
    assert vllm.detect(ids, b"another key that the tests hold.").reason is Reason.NOT_FOUND


def test_a_text_under_the_settings_of_sglang_is_found_by_the_secret(tmp_path):
    random, ids = np.random.default_rng(1), [1, 2, 3, 4]
    settings = json.loads(sglang.write_settings(tmp_path / "watermark.json", KEY).read_text())
    everything, key = np.arange(500), int(settings["key"], 16)
    for _ in range(60):
        (of_context,) = murmur.context_hashes(np.array([ids[-4:]], np.uint32))
        noise = -np.log(-np.log(murmur.uniform(murmur.token_hashes(key, np.full(500, of_context), everything))))
        ids.append(int(np.argmax(random.normal(0, 2, 500) + noise)))
    assert sglang.detect(ids, KEY).reason is Reason.MARKED
    assert sglang.detect(ids, b"another key that the tests hold.").reason is Reason.NOT_FOUND


def generated(processor, tokens: int, prompt: list[int]) -> list[int]:
    """Return what llama-cpp-python would generate: it hands over (ids, logits) and samples what comes back."""
    random, ids = np.random.default_rng(2), list(prompt)
    for _ in range(tokens):
        scores = random.normal(0, 3, 400).astype(np.single)
        for process in processor:
            scores = process(np.array(ids, np.intc), scores)
        assert np.isfinite(scores).sum() == 1
        ids.append(int(np.argmax(scores)))
    return ids[len(prompt) :]


def test_an_answer_of_llama_cpp_carries_the_mark():
    ids = generated(llama_cpp.watermark(KEY, temperature=1.5, top_k=100), 150, [1, 2, 3, 4, 5, 6])
    assert gumbel.detect(ids, KEY).reason is Reason.MARKED


def test_llama_cpp_answers_the_same_prompt_in_different_ways():
    answers = {tuple(generated(llama_cpp.watermark(KEY), 12, [1, 2, 3, 4, 5, 6])) for _ in range(6)}
    assert len(answers) > 1


def test_top_k_top_p_and_min_p_are_applied_as_usual():
    logits = np.log([0.4, 0.3, 0.2, 0.06, 0.04])

    def kept(top_k, top_p, min_p=0.0):
        return np.flatnonzero(np.isfinite(llama_cpp._narrowed(logits, top_k, top_p, min_p))).tolist()

    assert kept(0, 1.0) == [0, 1, 2, 3, 4]
    assert kept(2, 1.0) == [0, 1]
    assert kept(0, 0.69) == [0, 1]
    assert kept(0, 0.71) == [0, 1, 2]
    assert kept(3, 0.5) == [0, 1]
    assert kept(9, 1e-9) == [0]
    assert kept(0, 1.0, 0.45) == [0, 1, 2]


def test_temperature_comes_after_the_candidates_are_chosen_as_in_llama_cpp(monkeypatch):
    seen = []
    monkeypatch.setattr(
        llama_cpp.gumbel, "sample", lambda logits, *rest, **settings: seen.append(logits) or int(np.argmax(logits))
    )
    logits = np.log(np.array([0.5, 0.3, 0.2], np.single))
    llama_cpp.watermark(KEY, temperature=5.0, top_p=0.7)[0]([1, 2], logits)
    assert np.isfinite(seen[0]).tolist() == [True, True, False]
    assert np.allclose(seen[0][:2], logits[:2] / 5)


def test_penalties_lower_what_the_answer_said_and_not_the_prompt(monkeypatch):
    seen = []
    monkeypatch.setattr(llama_cpp.gumbel, "sample", lambda logits, *rest, **settings: seen.append(logits) or 0)
    (processor,) = llama_cpp.watermark(
        KEY, temperature=1, top_k=0, top_p=1, min_p=0, repeat_penalty=2, frequency_penalty=0.5, presence_penalty=0.25,
        last_tokens=3,
    )  # fmt: skip
    logits = np.array([4.0, -4.0, 1.0, 1.0], np.single)
    for ids in ([3, 3], [3, 3, 2, 0, 0, 1]):
        processor(ids, logits)
    assert seen[0].tolist() == logits.tolist()
    assert seen[1].tolist() == [4 / 2 - 2 * 0.5 - 0.25, -4 * 2 - 0.5 - 0.25, 1, 1]


def test_no_processor_is_added_to_those_of_llama_cpp():
    with pytest.raises(MarkingError, match="logit_bias"):
        llama_cpp.watermark(KEY).extend([abs])


def test_a_key_that_is_too_short_is_known_before_a_model_answers():
    with pytest.raises(IdentityError):
        llama_cpp.watermarked(object(), b"short")


def test_a_greedy_answer_of_llama_cpp_is_refused():
    for settings in ({"temperature": 0}, {"temperature": 1e-4}, {"top_k": 1}, {"top_p": 1e-9}, {"min_p": 1.0}):
        with pytest.raises(MarkingError, match="greedy"):
            llama_cpp.watermark(KEY, **settings)
    with pytest.raises(ValueError, match="top_p"):
        llama_cpp.watermark(KEY, top_p=0)
    with pytest.raises(IdentityError):
        llama_cpp.watermark(b"short")
