"""Streams through the ASGI door: chat answers as real clients read them, and every other stream as it was."""

import gzip
import hashlib
import json
import re
import shutil
import threading
import time
import zlib

import anthropic
import anyio
import httpx
import openai
import pytest
import websockets.sync.client
from hypothesis import given, settings
from hypothesis import strategies as some
from loopback import served
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

import disclose
from disclose import Outcome, Profile
from disclose.errors import DiscloseError, LedgerError, MarkingError
from disclose.integrations.asgi import DiscloseMiddleware
from disclose.integrations.asgi_event_data import FIELD
from disclose.integrations.asgi_events import LARGEST_EVENT

ISLAND = "People have lived on its island for more than two thousand years.\n"
PIECES = ["The capital", " of France", " is Paris.\n", ISLAND, 'It "lies" on {the} Seine; 東', "京 does not. 👩", "‍🔬"]
ANSWER = "".join(PIECES)
OURS = re.compile(rb',"ai_disclosure":(\{[^{}]*\}|\[[^\]]*\])')


def event(data, name=None, end="\n", last=()):
    """Return one event of a stream, its lines ended by *end*, with the lines *last* behind its data."""
    text = json.dumps(data, ensure_ascii=False) if isinstance(data, (dict, list)) else data
    lines = [] if name is None else [f"event: {name}"]
    return (end.join([*lines, *(f"data: {line}" for line in text.split("\n")), *last]) + 2 * end).encode()


def chunk(text=None, finish=None, index=0, **more):
    delta = {} if text is None else {"content": text}
    choice = {"index": index, "delta": delta, "finish_reason": finish, "logprobs": None}
    usual = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return usual | more


def chat():
    first = chunk()
    first["choices"][0]["delta"] = {"role": "assistant", "content": ""}
    usage = {"prompt_tokens": 1, "completion_tokens": 6, "total_tokens": 7}
    events = [first, *map(chunk, PIECES), chunk(finish="stop"), chunk(choices=[], usage=usage)]
    return [event(one) for one in events] + [b"data: [DONE]\n\n"]


def completions():
    def one(text, finish=None):
        choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
        return event({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]})

    return [*map(one, PIECES[:-1]), one(PIECES[-1], "stop"), b"data: [DONE]\n\n"]


def responses():
    usual = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "parallel_tool_calls": True,
             "tool_choice": "auto", "tools": []}  # fmt: skip
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": ANSWER, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    begun = {**item, "status": "in_progress", "content": []}
    events = [
        ("response.created", {"response": {**usual, "status": "in_progress", "output": []}}),
        ("response.output_item.added", {"output_index": 0, "item": begun}),
        ("response.content_part.added", {**place, "part": {**part, "text": ""}}),
        *(("response.output_text.delta", {**place, "delta": piece, "logprobs": []}) for piece in PIECES),
        ("response.output_text.done", {**place, "text": ANSWER, "logprobs": []}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": {**usual, "status": "completed", "output": [item]}}),
    ]
    return [event({"type": kind, "sequence_number": n, **data}, kind) for n, (kind, data) in enumerate(events)]


def messages():
    usage = {"input_tokens": 1, "output_tokens": 6}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
               "stop_reason": None, "stop_sequence": None, "usage": usage}  # fmt: skip
    events = [
        ("message_start", {"message": message}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        ("ping", {}),
        *(("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": piece}}) for piece in PIECES),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage}),
        ("message_stop", {}),
    ]
    return [event({"type": kind, **data}, kind) for kind, data in events]


STREAMS = {
    "/v1/chat/completions": chat,
    "/v1/completions": completions,
    "/v1/responses": responses,
    "/v1/messages": messages,
}


def streaming(parts, content_type="text/event-stream", headers=(), fail=None):
    """Return an application that sends *parts*, one message each, and then ends, or raises *fail*."""

    async def app(scope, receive, send):
        sent = parts(scope) if callable(parts) else parts
        start = [(b"content-type", content_type.encode()), *headers]
        await send({"type": "http.response.start", "status": 200, "headers": start})
        for part in sent:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        if fail is not None:
            raise fail
        await send({"type": "http.response.body", "body": b""})

    return app


def sent_by(app, method="GET"):
    """Return the messages that *app* sends, those before an exception in its attribute ``sent``."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/", "headers": [], "extensions": {}}
    try:
        anyio.run(app, scope, None, send)
    except Exception as error:
        error.sent = sent
        raise
    return sent


def bodies(sent):
    return [message["body"] for message in sent if message["type"] == "http.response.body"]


def data_in(body):
    """Yield the data of the events in *body*, as the HTML standard has them read (section 9.2.6)."""
    data = []
    for line in re.split("\r\n|\n|\r", body.decode().removeprefix("\ufeff")):
        if not line and data:
            yield "\n".join(data)
            data = []
        elif line == "data" or line.startswith("data:"):
            data.append(line.removeprefix("data").removeprefix(":"))


def disclosures(body):
    """Return what clients read in the fields of the events in *body*."""
    values = [json.loads(data) for data in data_in(body) if data.strip().startswith("{")]
    return [value[FIELD] for value in values if FIELD in value]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    return Profile(folder=tmp_path_factory.mktemp("profile"), statement={"system": "Studio", "provider": "Acme"})


@pytest.fixture(scope="module")
def address(lasting):
    model = streaming(lambda scope: STREAMS[scope["path"]]())
    with served(DiscloseMiddleware(model, lasting)) as where:
        yield where


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def openai_client(address):
    with openai.OpenAI(base_url=f"http://{address}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def anthropic_client(address):
    with anthropic.Anthropic(base_url=f"http://{address}", api_key="none", max_retries=0) as client:
        yield client


ASKED = [{"role": "user", "content": "What is the capital of France?"}]


def assert_on_record(first, last, profile):
    """Hold what a client read in the *first* and the *last* field against the ledger."""
    assert (first["system"], first["provider"]) == ("Studio", "Acme")
    assert first["source_type"] == "trainedAlgorithmicMedia"
    assert last["sha256"] == hashlib.sha256(ANSWER.encode()).hexdigest()
    assert (last["id"], last["complete"]) == (first["id"], True)
    (record,) = profile.ledger().find(disclose.Identifier.parse(last["id"]))
    assert (record.sha256, record.media_type) == (last["sha256"], "text/plain")
    assert record.mark_of("text").details == {"complete": True}
    assert disclose.verify(ANSWER, profile).outcome is Outcome.DISCLOSED


# --- real clients ---------------------------------------------------------------------------------------------


def test_the_openai_client_reads_a_chat_as_it_was_sent_and_finds_its_disclosure(openai_client, lasting):
    stream = openai_client.chat.completions.create(model="m", messages=ASKED, stream=True)
    assert stream.response.headers["ai-disclosure"] == "mode=ai-originated"
    chunks = list(stream)
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == ANSWER
    assert chunks[-1].usage.total_tokens == 7
    told = [one.model_extra[FIELD] for one in chunks if FIELD in (one.model_extra or {})]
    assert told == [chunks[0].model_extra[FIELD], chunks[-2].model_extra[FIELD]]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert_on_record(*told, lasting)


def test_the_openai_chat_helper_puts_the_answer_together(openai_client):
    with openai_client.chat.completions.stream(model="m", messages=ASKED) as stream:
        deltas = [one.delta for one in stream if one.type == "content.delta"]
    assert "".join(deltas) == ANSWER
    assert stream.get_final_completion().choices[0].message.content == ANSWER


def test_the_openai_client_reads_completions(openai_client, lasting):
    chunks = list(openai_client.completions.create(model="m", prompt="Paris?", stream=True))
    assert "".join(one.choices[0].text for one in chunks) == ANSWER
    assert_on_record(chunks[0].model_extra[FIELD], chunks[-1].model_extra[FIELD], lasting)


def test_the_openai_client_reads_responses(openai_client, lasting):
    events = list(openai_client.responses.create(model="m", input="Paris?", stream=True))
    assert "".join(one.delta for one in events if one.type == "response.output_text.delta") == ANSWER
    assert events[-1].response.output_text == ANSWER
    assert_on_record(events[0].model_extra[FIELD], events[-1].model_extra[FIELD], lasting)
    with openai_client.responses.stream(model="m", input="Paris?") as stream:
        assert stream.get_final_response().output_text == ANSWER


def test_the_anthropic_client_reads_messages(anthropic_client, lasting):
    asked = {"model": "m", "max_tokens": 99, "messages": ASKED}
    events = list(anthropic_client.messages.create(stream=True, **asked))
    deltas = [one.delta.text for one in events if one.type == "content_block_delta"]
    assert "".join(deltas) == ANSWER
    begun, ended = ([one for one in events if one.type == kind] for kind in ("message_start", "message_delta"))
    assert_on_record(begun[0].model_extra[FIELD], ended[0].model_extra[FIELD], lasting)
    with anthropic_client.messages.stream(**asked) as stream:
        assert stream.get_final_text() == ANSWER


def test_asynchronous_clients_read_the_same(address):
    async def read():
        async with openai.AsyncOpenAI(base_url=f"http://{address}/v1", api_key="none") as client:
            stream = await client.chat.completions.create(model="m", messages=ASKED, stream=True)
            return [one async for one in stream]

    chunks = anyio.run(read)
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == ANSWER
    assert chunks[0].ai_disclosure["id"] == chunks[-2].ai_disclosure["id"]


def test_a_reader_who_goes_away_leaves_a_record_of_what_was_sent(tmp_path):
    profile = Profile(folder=tmp_path, statement={"system": "Studio"})
    parts = chat()

    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for part in parts[:3]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    with served(DiscloseMiddleware(endless, profile)) as where, httpx.Client(trust_env=False) as client:
        with client.stream("GET", f"http://{where}/") as answer:
            arrived = b""
            for piece in answer.iter_bytes():
                arrived += piece
                if b"of France" in arrived:
                    break
        deadline = time.monotonic() + 20
        while not (records := profile.ledger().records()) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert b"complete" not in arrived
    assert records[0].mark_of("text").details == {"complete": False}
    assert disclose.verify("The capital of France", profile).outcome is Outcome.INDICATED


# --- bytes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STREAMS)
def test_all_that_is_added_are_two_fields(kind, lasting):
    parts = STREAMS[kind]()
    sent = bodies(sent_by(DiscloseMiddleware(streaming(parts), lasting)))
    assert [OURS.sub(b"", one) for one in sent] == [*parts, b""]
    assert [len(OURS.findall(one)) for one in sent if OURS.search(one)] == [1, 1]


ENDS = some.sampled_from(["\n", "\r\n", "\r"])
TEXTS = some.text(some.characters(exclude_categories=["Cs"]), max_size=6)
OTHERS = some.sampled_from(
    ["\n", "\r\r", "data\n\n", ": comment\n\n", "retry: 10\r\n\r\n", "event: ping\rdata: {}\r\r", "id: 1\ndata: no\n\n",
     'data: {"a": "}"}\ndata:\n: }\n\n', "data: [1]\n\n", 'data: {"choices": 3}\n\n',
     'data: {"choices": [{"x": 1}]}\n\n']
)  # fmt: skip


@some.composite
def streams(draw):
    """Draw a stream of one chat answer between other events, its text, and where to cut it."""
    texts, parts, end = draw(some.lists(TEXTS, min_size=1, max_size=4)), [], draw(ENDS)
    for one in [*map(chunk, texts), chunk(finish="stop")]:
        parts += [other.encode() for other in draw(some.lists(OTHERS, max_size=2))]
        text = json.dumps(one, ensure_ascii=draw(some.booleans()), indent=draw(some.sampled_from([None, 1])))
        last = draw(some.sampled_from([(), (": }",), ("id: }", "data")]))
        parts.append(event(text, draw(some.sampled_from([None, "chunk"])), end, last))
    whole = draw(some.sampled_from([b"", b"\xef\xbb\xbf"])) + b"".join(parts) + b"data: [DONE]\n\n"
    cuts = sorted(draw(some.lists(some.integers(0, len(whole)), max_size=12)))
    return whole, "".join(texts), [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


@settings(max_examples=60, deadline=None)
@given(streams())
def test_however_a_stream_is_cut_the_same_leaves(lasting, drawn):
    whole, text, parts = drawn
    results = []
    for given_parts in ([whole], parts):
        result = b"".join(bodies(sent_by(DiscloseMiddleware(streaming(given_parts), lasting))))
        assert OURS.sub(b"", result) == whole
        results.append(result)
        told = disclosures(result)
        assert told[0]["system"] == "Studio"
        if text:
            assert told[-1]["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    same = [re.sub(rb'"(id|created)":"[0-9a-fTZ:-]+"', b"", one) for one in results]
    assert same[0] == same[1]


@settings(max_examples=100, deadline=None)
@given(some.lists(some.binary(max_size=30) | OTHERS.map(str.encode), max_size=6))
def test_a_stream_of_anything_else_leaves_byte_for_byte(lasting, parts):
    assert b"".join(bodies(sent_by(DiscloseMiddleware(streaming(parts), lasting)))) == b"".join(parts)


def test_an_event_leaves_before_the_next_is_made(lasting):
    parts, seen, sent = chat(), [], []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            seen.append(len(bodies(sent)))

    async def send(message):
        sent.append(message)

    anyio.run(
        DiscloseMiddleware(app, lasting), {"type": "http", "method": "GET", "path": "/", "headers": []}, None, send
    )
    assert seen == list(range(1, len(parts) + 1))


def test_a_surrogate_pair_that_two_chunks_share_is_one_character(lasting):
    empty = json.dumps(chunk(""))
    halves = [event(empty.replace('"content": ""', f'"content": "{half}"')) for half in (r"\ud83d", r"\ude00")]
    body = b"".join(bodies(sent_by(DiscloseMiddleware(streaming([*halves, event(chunk(finish="stop"))]), lasting))))
    assert disclosures(body)[-1]["sha256"] == hashlib.sha256("😀".encode()).hexdigest()


def test_a_stream_that_is_compressed_in_a_way_that_is_not_read_here_passes_as_it_is(lasting):
    packed = b"".join(chat())
    app = streaming([packed], headers=[(b"content-encoding", b"br"), (b"content-length", b"%d" % len(packed))])
    sent = sent_by(DiscloseMiddleware(app, lasting))
    assert b"".join(bodies(sent)) == packed
    assert (b"content-length", b"%d" % len(packed)) in sent[0]["headers"]


def test_a_stream_that_was_compressed_with_gzip_is_disclosed_and_compressed_event_by_event(lasting):
    writer = zlib.compressobj(wbits=31)
    parts = [writer.compress(part) + writer.flush(zlib.Z_SYNC_FLUSH) for part in chat()]
    app = streaming([*parts, writer.flush()], headers=[(b"content-encoding", b"gzip")])
    sent = bodies(sent_by(DiscloseMiddleware(app, lasting)))
    first, last = disclosures(gzip.decompress(b"".join(sent)))
    assert_on_record(first, last, lasting)
    reader = zlib.decompressobj(31)
    assert all(reader.decompress(piece).endswith(b"\n\n") for piece in sent[: len(parts)])


def test_a_stream_that_lies_about_its_compression_passes_as_it_is(lasting):
    app = streaming(chat(), headers=[(b"content-encoding", b"gzip")])
    assert b"".join(bodies(sent_by(DiscloseMiddleware(app, lasting)))) == b"".join(chat())


def test_a_stream_whose_compression_breaks_off_in_the_middle_is_not_completed(lasting):
    writer = zlib.compressobj(wbits=31)
    parts = [writer.compress(chat()[0]) + writer.flush(zlib.Z_SYNC_FLUSH), b"\xff" * 99]
    with pytest.raises(MarkingError, match="gzip"):
        sent_by(DiscloseMiddleware(streaming(parts, headers=[(b"content-encoding", b"gzip")]), lasting))


def test_the_length_of_a_stream_that_may_grow_is_not_announced(lasting):
    whole = b"".join(chat())
    app = streaming([whole], headers=[(b"Content-Length", b"%d" % len(whole)), (b"digest", b"x")])
    for method in ("GET", "HEAD"):
        names = [name for name, _ in sent_by(DiscloseMiddleware(app, lasting), method)[0]["headers"]]
        assert names == [b"content-type", b"ai-disclosure"]


def test_an_event_without_end_is_not_waited_for(lasting, caplog):
    parts = [b"data: " + b"x" * LARGEST_EVENT, b"y", b"\n\n", *chat()]
    sent = bodies(sent_by(DiscloseMiddleware(streaming(parts), lasting)))
    assert sent == [*parts, b""]
    assert "longer than" in caplog.text


# --- what is said ---------------------------------------------------------------------------------------------


def test_every_one_of_several_answers_is_on_record_under_an_identifier_of_its_own(lasting):
    both = chunk()
    both["choices"] = [{"index": n, "delta": {"content": f"answer {n}"}, "finish_reason": None} for n in (0, 1)]
    parts = [event(one) for one in (both, chunk("!", index=1), chunk(finish="stop", index=1), chunk(finish="length"))]
    body = b"".join(bodies(sent_by(DiscloseMiddleware(streaming(parts), lasting))))
    (zero, one), end_of_one, end_of_zero = disclosures(body)
    assert (zero["id"], one["id"]) == (end_of_zero["id"], end_of_one["id"])
    assert zero["id"] != one["id"]
    assert end_of_one["sha256"] == hashlib.sha256(b"answer 1!").hexdigest()
    assert end_of_zero["sha256"] == hashlib.sha256(b"answer 0").hexdigest()


def test_an_answer_ends_where_a_reason_for_it_is_given_and_not_at_an_empty_one(lasting):
    parts = [event(chunk("Hi", finish="")), event(chunk(" there", finish="")), event(chunk(finish="stop"))]
    first, last = disclosures(b"".join(bodies(sent_by(DiscloseMiddleware(streaming(parts), lasting)))))
    assert "complete" not in first
    assert last["sha256"] == hashlib.sha256(b"Hi there").hexdigest()


@pytest.mark.parametrize("kind", ["chat", "responses", "messages"])
def test_each_of_the_answers_that_follow_one_another_in_a_stream_is_on_record(lasting, kind):
    parts = STREAMS[{"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}[kind]]()
    told = disclosures(b"".join(bodies(sent_by(DiscloseMiddleware(streaming([*parts, *parts]), lasting)))))
    assert [one["id"] for one in told] == [told[0]["id"]] * 2 + [told[2]["id"]] * 2
    assert told[0]["id"] != told[2]["id"]
    for first, last in (told[:2], told[2:]):
        assert_on_record(first, last, lasting)


def test_the_last_event_of_an_answer_counts_though_no_empty_line_ends_it(lasting):
    parts = [event(chunk(ANSWER)), event(chunk(finish="stop")).rstrip()]
    first, last = disclosures(b"".join(bodies(sent_by(DiscloseMiddleware(streaming(parts), lasting)))) + b"\n\n")
    assert_on_record(first, last, lasting)


def test_an_answer_that_only_calls_a_tool_has_no_text_to_claim(lasting):
    call = chunk()
    call["choices"][0]["delta"] = {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]}
    before = len(lasting.ledger())
    parts = [event(call), event(chunk(finish="tool_calls"))]
    body = b"".join(bodies(sent_by(DiscloseMiddleware(streaming(parts), lasting))))
    assert [list(told)[:2] for told in disclosures(body)] == [["id", "system"]]
    assert len(lasting.ledger()) == before


def test_a_text_of_pieces_that_are_no_text_is_disclosed_without_a_claim(lasting):
    parts = [event(chunk("Hi")), event(chunk([{"type": "thinking"}])), event(chunk(finish="stop"))]
    body = b"".join(bodies(sent_by(DiscloseMiddleware(streaming(parts), lasting))))
    assert len(disclosures(body)) == 1


def test_a_stream_that_discloses_itself_is_left_alone(lasting):
    once = b"".join(bodies(sent_by(DiscloseMiddleware(streaming(chat()), lasting, system="Inner"))))
    before = len(lasting.ledger())
    assert b"".join(bodies(sent_by(DiscloseMiddleware(streaming([once]), lasting)))) == once
    assert len(lasting.ledger()) == before


def test_an_answer_that_ends_where_it_begins_says_both_at_once(lasting):
    body = b"".join(bodies(sent_by(DiscloseMiddleware(streaming([event(chunk("Yes.", finish="stop"))]), lasting))))
    (told,) = disclosures(body)
    assert (told["system"], told["complete"]) == ("Studio", True)


def test_a_text_is_signed_beside_the_stream_where_texts_are_among_the_media(lasting):
    app = DiscloseMiddleware(streaming(chat()), lasting, media=("text/plain",))
    told = disclosures(b"".join(bodies(sent_by(app))))[-1]
    with served(app) as where, httpx.Client(trust_env=False) as client:
        manifest = client.get(f"http://{where}{told['manifest']}")
    assert manifest.headers["content-type"] == "application/c2pa"
    asset = disclose.Asset.from_data(ANSWER.encode(), sidecar=manifest.content)
    bound = {item.layer for item in disclose.verify(asset, lasting).evidence if item.is_bound}
    assert bound == {"c2pa", "ledger", "text_fingerprint"}


def test_a_stream_cut_midway_claims_nothing_and_what_has_left_is_on_record(tmp_path):
    profile = Profile(folder=tmp_path)
    app = DiscloseMiddleware(streaming(chat()[:3], fail=ConnectionError("the model went away")), profile)
    with pytest.raises(ConnectionError) as caught:
        sent_by(app)
    (told,) = disclosures(b"".join(bodies(caught.value.sent)))
    assert "complete" not in told
    (record,) = profile.ledger().records()
    assert str(record.disclosure.id) == told["id"]
    assert record.mark_of("text").details == {"complete": False}
    assert record.sha256 == hashlib.sha256("".join(PIECES[:2]).encode()).hexdigest()


def test_no_word_of_an_answer_leaves_where_it_could_not_be_put_on_record(tmp_path):
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(LedgerError) as caught:
        sent_by(DiscloseMiddleware(streaming(chat()), Profile(folder=tmp_path)))
    assert bodies(caught.value.sent) == []


def test_the_end_of_an_answer_does_not_leave_where_its_record_cannot_be_written(tmp_path):
    profile = Profile(folder=tmp_path / "home")
    parts = chat()

    def losing(scope):
        yield from parts[:-3]
        profile.ledger().close()
        shutil.rmtree(tmp_path / "home")
        yield from parts[-3:]

    with pytest.raises(DiscloseError) as caught:
        sent_by(DiscloseMiddleware(streaming(losing), profile))
    body = b"".join(bodies(caught.value.sent))
    assert b'"stop"' not in body
    assert b"complete" not in body


def test_an_application_that_goes_on_after_that_is_stopped_again(tmp_path):
    (tmp_path / "ledger.sqlite").mkdir()
    errors = []

    async def stubborn(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for part in chat()[:2]:
            try:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            except DiscloseError as error:
                errors.append(type(error))

    assert bodies(sent_by(DiscloseMiddleware(stubborn, Profile(folder=tmp_path)))) == []
    assert errors == [LedgerError, MarkingError]


def test_others_are_served_while_a_record_is_written(tmp_path):
    profile = Profile(folder=tmp_path)
    locked, gaps = threading.Event(), []

    def hold():
        with profile.ledger().connection(writing=True):
            locked.set()
            time.sleep(1)

    async def main():
        async def tick():
            while True:
                before = time.perf_counter()
                await anyio.sleep(0.005)
                gaps.append(time.perf_counter() - before)

        async def send(message):
            pass

        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        async with anyio.create_task_group() as tasks:
            await DiscloseMiddleware(streaming(chat()), profile)(scope, None, send)
            holder = threading.Thread(target=hold)
            holder.start()
            locked.wait()
            tasks.start_soon(tick)
            started = time.perf_counter()
            await DiscloseMiddleware(streaming(chat()), profile)(scope, None, send)
            assert time.perf_counter() - started > 0.8
            tasks.cancel_scope.cancel()
            holder.join()

    anyio.run(main)
    assert max(gaps) < 0.7


def test_a_marked_endpoint_says_what_its_chats_state_and_signs_them(lasting):
    @disclose.marked(lasting, system="Endpoint")
    async def answer(request):
        return StreamingResponse(iter(chat()), media_type="text/event-stream")

    app = DiscloseMiddleware(Starlette(routes=[Route("/", answer)]), lasting)
    with served(app) as where, httpx.Client(trust_env=False) as client:
        begun, ended = disclosures(client.get(f"http://{where}/").content)
        assert (begun["system"], ended["complete"]) == ("Endpoint", True)
        assert client.get(f"http://{where}{ended['manifest']}").status_code == 200


def reason_on_record(content, profile):
    begun, _ = disclosures(content)
    (record,) = profile.ledger().find(disclose.Identifier.parse(begun["id"]))
    return record.mark_of("duty").details["reason"]


def test_the_record_of_a_chat_says_for_whom_it_was_and_what_was_asked_for(lasting):
    @disclose.marked(lasting, system="Translator", function="translation")
    async def translate(request):
        return StreamingResponse(iter(chat()), media_type="text/event-stream")

    async def plan(request):
        return StreamingResponse(iter(chat()), media_type="text/event-stream")

    inner = Starlette(routes=[Route("/plan", plan), Route("/translate", translate)])
    app = DiscloseMiddleware(inner, lasting, route="machine")
    with served(app) as where, httpx.Client(trust_env=False) as client:
        assert reason_on_record(client.get(f"http://{where}/plan").content, lasting) == "not shown to people"
        assert reason_on_record(client.get(f"http://{where}/translate").content, lasting) == "assistive editing"


def test_a_chat_is_linked_to_the_session_it_leaves_in_before_its_first_word(tmp_path):
    profile = Profile(folder=tmp_path, statement={"system": "Studio"})
    inner = Starlette(routes=[Route("/", lambda _: StreamingResponse(iter(chat()), media_type="text/event-stream"))])
    with served(DiscloseMiddleware(inner, profile)) as where, httpx.Client(trust_env=False) as client:
        client.post(f"http://{where}/.well-known/ai-disclosure/notice", json={})
        begun, _ = disclosures(client.get(f"http://{where}/").content)
    (linked,) = profile.notices().outputs_before_notice()
    assert begun["id"] in str(linked)


# --- websockets -----------------------------------------------------------------------------------------------


def test_a_websocket_is_accepted_with_the_header_and_its_frames_are_untouched(lasting):
    async def echo(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept", "headers": [(b"x-own", b"kept")]})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})

    with (
        served(DiscloseMiddleware(echo, lasting)) as where,
        websockets.sync.client.connect(f"ws://{where}/chat", proxy=None) as client,
    ):
        headers = client.response.headers
        assert (headers["ai-disclosure"], headers["x-own"]) == ("mode=ai-originated", "kept")
        for frame in (ANSWER, b"\x00\xff", json.dumps(chunk("Hi", finish="stop"))):
            client.send(frame)
            assert client.recv() == frame


def test_a_websocket_elsewhere_and_one_with_a_header_of_its_own_stay_as_they_are():
    accept = {"type": "websocket.accept", "headers": [(b"AI-Disclosure", b"mode=ai-modified")]}

    async def app(scope, receive, send):
        await send(accept)

    for settings_of_door in ({}, {"routes": ("/draw",)}):
        sent = []

        async def send(message, sent=sent):
            sent.append(message)

        anyio.run(DiscloseMiddleware(app, **settings_of_door), {"type": "websocket", "path": "/x"}, None, send)
        assert sent == [accept]
