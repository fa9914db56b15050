"""The transformers door, on a small model that nobody trained and, once, on a real one."""

import json

import numpy as np
import pytest
from system_parts import need_package, need_smollm2, smollm2

from disclose.errors import IdentityError, MarkingError, ProfileError, UnsupportedError
from disclose.watermark.text import Reason, gumbel, synthid

try:
    import torch
    import transformers
except ImportError:
    transformers = None

from disclose.integrations.transformers import DrawingProcessor, TextWatermark, watermarked

pytestmark = pytest.mark.filterwarnings("ignore")
KEY = b"a key that only the tests hold.."
DETECT = {"gumbel": gumbel.detect, "synthid": synthid.detect}
PROMPT = [[1, 5, 9, 13, 17]]


@pytest.fixture(scope="module", autouse=True)
def installed():
    need_package(transformers is not None, "CPU torch, then pip install 'disclose-ai[transformers]'")
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.LlamaConfig(vocab_size=300, eos_token_id=2, pad_token_id=0, bos_token_id=1, **sizes)
    return transformers.LlamaForCausalLM(config).eval()


def answered(model, tokens=120, rows=1, **settings):
    """Return the ids of the answers, (rows, tokens)."""
    asked = torch.tensor(PROMPT * rows)
    settings = {"do_sample": True, "max_new_tokens": tokens, "min_new_tokens": tokens} | settings
    return model.generate(asked, attention_mask=torch.ones_like(asked), **settings)[:, asked.shape[1] :].numpy()


@pytest.mark.parametrize("scheme", ["gumbel", "synthid"])
def test_every_answer_of_a_batch_carries_the_mark(model, scheme):
    for ids in answered(watermarked(model, KEY, scheme=scheme), rows=3):
        assert DETECT[scheme](ids, KEY).p_value < 1e-9


@pytest.mark.parametrize("settings", [{"temperature": 0.7}, {"top_k": 20}, {"top_p": 0.8}, {"repetition_penalty": 1.3}])
def test_the_settings_of_a_call_come_before_the_mark(model, settings):
    found = gumbel.detect(answered(watermarked(model, KEY), **settings)[0], KEY)
    assert found.reason is Reason.MARKED


def test_top_k_is_obeyed(model):
    ids = answered(watermarked(model, KEY), tokens=40, top_k=5)[0]
    with torch.no_grad():
        logits = model(torch.tensor([[*PROMPT[0], *ids]])).logits[0, len(PROMPT[0]) - 1 : -1]
    best = torch.topk(logits, 5).indices.numpy()
    # The end-of-text token is held back by min_new_tokens, so a sixth may take its place.
    assert np.mean([token in row for token, row in zip(ids, best, strict=True)]) > 0.9


def test_the_model_itself_stays_as_it_was(model):
    marking = watermarked(model, KEY)
    assert gumbel.detect(answered(model)[0], KEY).p_value > 1e-4
    assert marking is not model
    assert marking.lm_head.weight is model.lm_head.weight
    assert model.generation_config.watermarking_config is None


def test_equal_prompts_keep_their_different_answers(model):
    first = {tuple(ids[:8]) for ids in answered(watermarked(model, KEY), tokens=8, rows=6)}
    assert len(first) == 6


def test_a_second_call_finds_its_own_beginning(model):
    marking = watermarked(model, KEY)
    answered(marking, tokens=10)
    longer = torch.tensor([PROMPT[0] * 8])
    whole = marking.generate(longer, do_sample=True, max_new_tokens=80, min_new_tokens=80)[0].numpy()
    assert gumbel.detect(whole[longer.shape[1] :], KEY).reason is Reason.MARKED


def test_a_streamer_sees_every_token_as_it_is_drawn(model):
    class Seen:
        def __init__(self):
            self.ids = []

        def put(self, value):
            self.ids += value.flatten().tolist()

        def end(self):
            self.ended = True

    seen = Seen()
    ids = answered(watermarked(model, KEY), streamer=seen)[0]
    assert seen.ids == [*PROMPT[0], *ids]
    assert seen.ended


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"do_sample": False}, "greedy"),
        ({"do_sample": None}, "greedy"),
        ({"num_beams": 2}, "beam"),
        ({"prompt_lookup_num_tokens": 2}, "prompt_lookup"),
        ({"assistant_early_exit": 1}, "assistant_early_exit"),
        ({"cache_implementation": "paged"}, "unmarked"),
        ({"temperature": 0.0}, "greedy"),
        ({"temperature": 1e-6}, "greedy"),
        ({"top_k": 1}, "greedy"),
        ({"top_p": 1e-9}, "greedy"),
        ({"min_p": 1.0}, "greedy"),
        ({"watermarking_config": object()}, "already marks"),
    ],
)
def test_a_call_that_could_not_be_marked_is_refused(model, settings, advice):
    with pytest.raises(MarkingError, match=advice):
        answered(watermarked(model, KEY), **settings)


@pytest.mark.parametrize("name", ["generate_batch", "init_continuous_batching", "continuous_batching_context_manager"])
def test_continuous_batching_would_leave_unmarked_and_is_refused(model, name):
    with pytest.raises(MarkingError, match="unmarked"):
        getattr(watermarked(model, KEY), name)(PROMPT)


def test_a_configuration_is_heard_as_the_call_is(model):
    greedy = transformers.GenerationConfig(do_sample=False, max_new_tokens=5)
    beams = transformers.GenerationConfig(do_sample=True, num_beams=3, max_new_tokens=5)
    marking = watermarked(model, KEY)
    for config in (greedy, beams):
        with pytest.raises(MarkingError):
            marking.generate(torch.tensor(PROMPT), generation_config=config)
        with pytest.raises(UnsupportedError, match="by name"):
            marking.generate(torch.tensor(PROMPT), config)


def test_the_key_is_in_nothing_that_is_written_down(model, tmp_path):
    watermark = TextWatermark(KEY)
    config = transformers.GenerationConfig(do_sample=True, watermarking_config=watermark)
    config.save_pretrained(tmp_path)
    written = (tmp_path / "generation_config.json").read_text() + repr(config) + repr(watermark) + str(vars(config))
    assert KEY.decode() not in written
    assert json.loads((tmp_path / "generation_config.json").read_text())["do_sample"] is True


def test_a_key_or_a_scheme_that_is_none_is_refused(model):
    with pytest.raises(IdentityError):
        watermarked(model, b"short")
    with pytest.raises(ProfileError, match="gumbel or synthid"):
        watermarked(model, KEY, scheme="other")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_scores_of_any_precision_leave_one_token(dtype):
    processor = DrawingProcessor(lambda logits, context, answer_from: int(np.argmax(logits)))
    scores = torch.tensor([[0.0, 3.0, float("-inf")], [9.0, 1.0, 2.0]], dtype=getattr(torch, dtype))
    left = processor(torch.tensor([[1, 2], [3, 4]]), scores)
    assert left.dtype == scores.dtype
    assert torch.softmax(left.float(), 1).tolist() == [[0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(("size", "seed"), [(2**16, 0), (2**16, 3), (1000, 1)])
def test_the_coin_flips_are_those_of_transformers_bit_for_bit(size, seed):
    ours = synthid.Tournament(
        keys=synthid.Tournament.from_secret(KEY).keys, sampling_table_size=size, sampling_table_seed=seed
    )
    theirs = transformers.SynthIDTextWatermarkLogitsProcessor(
        ngram_len=5, keys=list(ours.keys), sampling_table_size=size, sampling_table_seed=seed,
        context_history_size=1024, device=torch.device("cpu"),
    )  # fmt: skip
    ids = np.random.default_rng(seed).integers(0, 250_000, 500)
    ngrams = np.lib.stride_tricks.sliding_window_view(ids.astype(np.uint32), 5)
    assert np.array_equal(theirs.sampling_table.numpy(), ours.table)
    assert np.array_equal(theirs.compute_g_values(torch.tensor(ids)[None])[0].numpy(), ours.g_values(ngrams))


def test_what_transformers_itself_marks_is_found_here(model):
    tournament = synthid.Tournament.from_secret(KEY)
    config = transformers.SynthIDTextWatermarkingConfig(ngram_len=5, keys=list(tournament.keys))
    for ids in answered(model, rows=2, watermarking_config=config):
        assert synthid.detect(ids, tournament).p_value < 1e-9


def test_a_real_model_answers_through_a_pipeline_with_the_mark():
    need_smollm2()
    path = smollm2()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = transformers.AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name)
    marked = transformers.pipeline("text-generation", model=watermarked(model, KEY), tokenizer=tokenizer)
    talk = [{"role": "user", "content": "Write about a lighthouse."}]
    settings = {"do_sample": True, "max_new_tokens": 60, "min_new_tokens": 60, "return_full_text": False}
    text = marked(talk, temperature=1.0, **settings)[0]["generated_text"]
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert gumbel.detect(ids, KEY).p_value < 1e-4
