"""Pictures inside JSON, in the shapes that the providers of models answer with."""

import gzip
import json
import logging
import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode

import pytest
from asgi_messages import answering, ask, picture
from hypothesis import given, settings
from hypothesis import strategies as some

from disclose import Asset, Outcome, Profile
from disclose.errors import MarkingError
from disclose.integrations import asgi_body, asgi_events
from disclose.integrations.asgi import DiscloseMiddleware
from disclose.integrations.asgi_json import decoded, embedded, encoded

PNG = picture()
TEXT = b64encode(PNG).decode()


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return Profile(folder=tmp_path_factory.mktemp("profile"), statement={"system": "Test Studio"})


@pytest.fixture
def api(profile):
    """Return what makes an API that answers with a body, marked."""

    def make(body, content_type="application/json", headers=(), chunks=None, **settings):
        settings = {"media": ("image/*", "application/json"), **settings}
        return DiscloseMiddleware(answering(body, content_type, headers=headers, chunks=chunks), profile, **settings)

    return make


def pictures_in(body):
    return [b64decode(text) for text in re.findall(rb"[A-Za-z0-9+/]{400,}={0,2}", body)]


def is_disclosed(profile, data):
    return profile.verifier().verify(Asset.open(data)).outcome is Outcome.DISCLOSED


SHAPES = {
    "openai images": {"created": 1, "data": [{"b64_json": TEXT, "revised_prompt": "a c\u00e4t"}], "usage": {"n": 1.50}},
    "openai partial image": {"type": "image_generation.partial_image", "partial_image_b64": TEXT},
    "openai responses": {"output": [{"type": "image_generation_call", "id": "ig_1", "result": TEXT}]},
    "openai responses, keys turned": {"output": [{"result": TEXT, "type": "image_generation_call"}]},
    "mcp image": {"result": {"content": [{"type": "image", "data": TEXT, "mimeType": "image/png"}], "isError": False}},
    "mcp resource": {"type": "resource", "resource": {"uri": "a:b", "mimeType": "image/png", "blob": TEXT}},
    "gemini": {"candidates": [{"content": {"parts": [{"inlineData": {"data": TEXT, "mimeType": "image/png"}}]}}]},
    "imagen": {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": TEXT}]},
    "stability": {"artifacts": [{"base64": TEXT, "finishReason": "SUCCESS", "seed": 1}]},
    "data uri": {"images": [{"image_url": {"url": f"data:image/png;base64,{TEXT}"}}]},
    "data uri in markdown": {"content": f"Here it is: ![cat](data:image/png;base64,{TEXT}) and more"},
    "web ui": {"images": [TEXT], "parameters": {"steps": 20}},
    "a list at the top": [{"b64_json": TEXT}],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("style", ["compact", "spaced", "escaped slashes"])
def test_a_picture_is_marked_and_every_other_byte_stays(profile, api, shape, style):
    body = json.dumps(SHAPES[shape], **({"indent": 3} if style == "spaced" else {"separators": (",", ":")})).encode()
    body = body.replace(b"/", b"\\/") if style == "escaped slashes" else body
    answer = ask(api(body, headers=[(b"content-length", str(len(body)).encode()), (b"etag", b'"a"')]))
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.headers["etag"].startswith('"a-aid')
    (marked,) = pictures_in(answer.body)
    assert is_disclosed(profile, marked)
    own = TEXT.replace("/", "\\/").encode() if style == "escaped slashes" else TEXT.encode()
    assert answer.body.replace(b64encode(marked), own) == body


def test_two_pictures_of_one_body_are_both_marked(profile, api):
    body = json.dumps({"data": [{"b64_json": TEXT}, {"b64_json": b64encode(picture("JPEG")).decode()}]}).encode()
    marked = pictures_in(ask(api(body)).body)
    assert [is_disclosed(profile, one) for one in marked] == [True, True]


def test_a_picture_that_is_marked_already_leaves_byte_for_byte(profile, api):
    import disclose

    text = b64encode(disclose.mark(PNG, profile).data).decode()
    # Wrapped as MIME wraps it, which nobody would do anew.
    body = json.dumps({"b64_json": "\n".join(text[at : at + 76] for at in range(0, len(text), 76))}).encode()
    answer = ask(api(body, headers=[(b"etag", b'"a"')]))
    assert answer.body == body
    assert answer.headers["etag"] == '"a"'


def test_the_url_safe_alphabet_stays_what_it_is(profile, api):
    body = json.dumps({"b64_json": urlsafe_b64encode(PNG).decode().rstrip("=")}).encode()
    text = json.loads(ask(api(body)).body)["b64_json"]
    assert not set(text) & set("+/=")
    assert is_disclosed(profile, urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@pytest.mark.parametrize(
    ("settings", "marks"),
    [
        ({"media": ("image/*",)}, False),
        ({"media": ("image/*",), "routes": ("/",)}, True),
        ({"media": ("application/json",)}, True),
        ({"media": ("audio/*",), "routes": ("/",)}, False),
        ({"media": ("image/*", "application/json"), "routes": ("/other",)}, False),
        ({"media": (), "routes": ("/",)}, False),
    ],
)
def test_only_what_was_allowed_is_looked_into(api, settings, marks):
    body = json.dumps({"b64_json": TEXT}).encode()
    assert (ask(api(body, **settings)).body != body) is marks


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"b64_json": "' + TEXT.encode(),
        b'{"b64_json": null, "result": 5, "data": ["x"], "images": []}',
        b'{"b64_json": ""}',
        b'{"result": "a text about base64", "data": "more"}',
        json.dumps({"result": b64encode(b"just words " * 20).decode()}).encode(),
        json.dumps({"tool": {"data": TEXT}}).encode(),
        b'{"a": ' + b"9" * 5000 + b', "b": 1e999, "b": 2}',
        b"\xff\xfe" + '{"b64_json": ""}'.encode("utf-16-le"),
        b'{"\\ud800": "\\udfff", "url": "data:image\\/png;base64,broken=="}',
    ],
)
def test_what_holds_no_picture_passes_byte_for_byte(api, body):
    headers = [(b"content-length", str(len(body)).encode()), (b"etag", b'"a"')]
    answer = ask(api(body, headers=headers))
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, body, '"a"')


@pytest.mark.parametrize(
    "body",
    [
        b'{"b64_json": "no base64!"}',
        json.dumps({"b64_json": b64encode(b"GIF89a, but broken").decode()}).encode(),
        json.dumps({"b64_json": b64encode(bytes(99)).decode()}).encode(),
        b'{"a":' * 100_000 + b'"x"' + b"}" * 100_000,
    ],
    ids=["no-base64", "broken", "unknown", "too-deep"],
)
def test_a_picture_that_cannot_be_marked_is_withheld(api, caplog, body):
    with caplog.at_level(logging.ERROR, "disclose"):
        assert ask(api(body)).status == 500
    assert "withheld" in caplog.text


def test_a_long_number_hides_no_picture(profile, api):
    body = b'{"n": ' + b"9" * 5000 + b', "b64_json": "' + TEXT.encode() + b'"}'
    assert is_disclosed(profile, pictures_in(ask(api(body)).body)[-1])


def test_a_compressed_body_passes_as_it_is_and_is_complained_of_once(api, caplog):
    app = api(b"\x1f\x8b...", headers=[(b"content-encoding", b"br")])
    assert [ask(app).body for _ in range(2)] == [b"\x1f\x8b..."] * 2
    assert caplog.text.count("JSON is compressed") == 1


def test_json_that_was_compressed_with_gzip_is_looked_into_and_leaves_as_it_came_where_nothing_changes(profile, api):
    packed = gzip.compress(json.dumps({"b64_json": TEXT}).encode())
    (marked,) = pictures_in(ask(api(packed, headers=[(b"content-encoding", b"gzip")])).body)
    assert is_disclosed(profile, marked)
    packed = gzip.compress(b'{"a": 1}')
    answer = ask(api(packed, headers=[(b"content-encoding", b"gzip")]))
    assert (answer.body, answer.headers["content-encoding"]) == (packed, "gzip")


def test_other_kinds_of_json_are_looked_into_and_no_streams(profile, api):
    body = json.dumps({"b64_json": TEXT}).encode()
    assert is_disclosed(profile, pictures_in(ask(api(body, "application/hal+json; charset=utf-8")).body)[0])
    for kind in ("text/event-stream", "application/x-ndjson", "text/plain"):
        assert ask(api(body, kind)).body == body


def test_a_body_beyond_the_limit_is_withheld_or_passes_with_a_word_of_it(api, monkeypatch, caplog):
    monkeypatch.setattr(asgi_body, "BODY_LIMIT", 1000)
    body = json.dumps({"b64_json": TEXT}).encode()
    assert ask(api(body)).status == 500
    answer = ask(api(body, oversize="pass", headers=[(b"content-length", str(len(body)).encode())]))
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["disclose-unmarked"] == "oversize"
    assert "passed the response to GET '/' on unmarked" in caplog.text


values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text() | some.just("data:image/png;base64,AAAA"),
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.dictionaries(some.sampled_from(["b64_json", "result", "type", "data", "images", '\u00e9\\"/']), inner)
    ),
    max_leaves=20,
)


def events_of(value, end="\n", lines=1):
    data = json.dumps(value, indent=1 if lines > 1 else None).split("\n")
    return ["event: x\nid: 7\n".replace("\n", end), *(f"data: {line}{end}" for line in data), end]


@pytest.mark.parametrize(
    ("shape", "end", "lines"),
    [
        *((shape, "\n", 1) for shape in SHAPES),
        ("openai responses", "\r\n", 9),
        ("mcp image", "\r", 9),
    ],
)
def test_a_picture_in_an_event_is_marked_and_every_other_byte_stays(profile, api, shape, end, lines):
    before, after = b": before\n\ndata: {}\n\n", b"data: [DONE]\n\n"
    event = "".join(events_of(SHAPES[shape], end, lines)).encode()
    answer = ask(api(before + event + after, "text/event-stream"))
    (marked,) = pictures_in(answer.body)
    assert is_disclosed(profile, marked)
    assert answer.body.replace(b64encode(marked), TEXT.encode()) == before + event + after
    assert answer.chunks[0] == before


def test_the_last_picture_of_a_stream_that_nothing_ends_is_marked_too(profile, api):
    body = "".join(events_of(SHAPES["openai responses"])).rstrip().encode()
    (marked,) = pictures_in(ask(api(body, "text/event-stream")).body)
    assert is_disclosed(profile, marked)


def test_pictures_in_a_chat_that_discloses_itself_are_marked(profile, api):
    chunk = {"choices": [{"index": 0, "delta": {"content": "Here", "images": [f"data:image/png;base64,{TEXT}"]}}]}
    once = "".join(events_of({**chunk, "ai_disclosure": {"id": "0" * 32}}) * 2).encode()
    answer = ask(api(once, "text/event-stream"))
    assert [is_disclosed(profile, one) for one in pictures_in(answer.body)] == [True, True]
    assert answer.body.count(b"ai_disclosure") == 2


def test_a_stream_stops_before_a_picture_that_cannot_be_marked(api):
    body = ("data: {}\n\n" + "".join(events_of({"b64_json": "A" * 500 + "!"}))).encode()
    assert_stops_after(b"data: {}\n\n", api(body, "text/event-stream"), "not base64")


def test_a_stream_stops_at_an_event_beyond_the_limit_unless_that_may_pass(api, monkeypatch, caplog):
    monkeypatch.setattr(asgi_events, "BODY_LIMIT", 600)
    event = "".join(events_of(SHAPES["openai images"])).encode()
    chunks = [b"data: {}\n\n" + event[:700], event[700:]]
    assert_stops_after(b"data: {}\n\n", api(b"", "text/event-stream", chunks=chunks), "600 bytes")
    assert ask(api(b"", "text/event-stream", chunks=chunks, oversize="pass")).body == b"".join(chunks)
    assert "600 bytes" in caplog.text


def assert_stops_after(before, app, reason):
    sent = []

    async def watched(scope, receive, send):
        async def noting(message):
            sent.append(message)

        await app(scope, receive, noting)

    with pytest.raises(MarkingError, match=reason):
        ask(watched)
    assert b"".join(message.get("body", b"") for message in sent) == before
    assert all(message["more_body"] for message in sent[1:])


@settings(deadline=None, max_examples=200)
@given(values, some.sampled_from([None, 2]), some.booleans())
def test_what_is_found_in_any_json_is_a_text_of_it(value, indent, ascii_only):
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    for found in embedded(body):
        assert b'"' not in body[found.start : found.end].replace(b'\\"', b"")
        assert 0 < found.start < found.end < len(body)


@given(some.binary(), some.sampled_from([b"+/==", b"-_", b"AAA=", b"AAAA"]))
def test_decoding_is_the_inverse_of_encoding(data, like):
    assert decoded(encoded(data, like)) == data
