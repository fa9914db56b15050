"""What a service counts and logs of its outputs: each once, by door and kind, and never a word of what was in it."""

import logging
import subprocess
import sys
import textwrap

import anyio
import gradio
import pytest
from pictures import encoded, photograph
from PIL import Image
from prometheus_client import REGISTRY

import disclose
from disclose.errors import DiscloseError
from disclose.integrations import asgi_body, metrics
from disclose.integrations.asgi import DiscloseMiddleware
from disclose.integrations.gradio import disclosed

ANSWER = "the answer nobody but its reader may see"


@pytest.fixture
def counted():
    """Return a function that says by how much a counter or a histogram has grown since the test began."""

    def value(name, labels):
        return REGISTRY.get_sample_value(name, labels) or 0.0

    before = {}
    for metric in REGISTRY.collect():
        before |= {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in metric.samples}

    def grown(door, media_type, outcome="marked", reason=""):
        labels = {"door": door, "media_type": media_type, "outcome": outcome, "reason": reason}
        key = ("disclose_outputs_total", tuple(sorted(labels.items())))
        return value("disclose_outputs_total", labels) - before.get(key, 0.0)

    def timed(door, media_type):
        labels = {"door": door, "media_type": media_type}
        key = ("disclose_marking_seconds_count", tuple(sorted(labels.items())))
        return value("disclose_marking_seconds_count", labels) - before.get(key, 0.0)

    grown.timed = timed
    return grown


def lines(caplog):
    return [record for record in caplog.records if record.name == "disclose.outputs"]


def test_a_marked_picture_and_a_marked_text_are_counted_and_timed(profile, counted):
    disclose.marked(profile, system="S")(lambda: [photograph(), ANSWER])()
    disclose.mark(encoded(photograph(), "WEBP"), profile, system="S")
    for media_type in ("image/png", "text/plain", "image/webp"):
        assert (counted("function", media_type), counted.timed("function", media_type)) == (1, 1)


def test_what_could_not_be_marked_is_counted_as_failed_by_the_kind_of_its_error(profile, counted):
    with pytest.raises(DiscloseError):
        disclose.marked(profile, system="S")(lambda: Image.new("RGB", (300, 300), "white"))()
    with pytest.raises(DiscloseError):
        disclose.marked(profile, system="S")(lambda: 3.14)()
    assert counted("function", "image/png", "failed", "MarkingError") == 1
    assert counted("function", "unknown", "failed", "UnsupportedError") == 1
    assert counted.timed("function", "image/png") == 0


def test_a_text_is_counted_once_however_many_pieces_it_has(profile, counted):
    @disclose.marked(profile, system="S")
    def write():
        yield from ANSWER

    assert "".join(write()) == ANSWER
    next(write())
    assert counted("function", "text/plain") == 1
    assert counted("function", "text/plain", reason="broken off") == 1
    assert disclose.marked(profile, system="S")(lambda: "")() == ""
    assert counted("function", "text/plain", "skipped", "empty") == 1


def respond(app):
    async def ignored(message):
        pass

    anyio.run(app, {"type": "http", "method": "GET", "path": "/", "headers": []}, None, ignored)


def application(content_type, *parts):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


def test_the_web_door_counts_bodies_and_chats(profile, counted, monkeypatch):
    event = b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\n'
    media = {"media": ("image/*",)}
    respond(DiscloseMiddleware(application(b"text/event-stream", event), profile))
    respond(DiscloseMiddleware(application(b"image/png", encoded(photograph())), profile, **media))
    respond(DiscloseMiddleware(application(b"image/png", b"no picture"), profile, **media))
    monkeypatch.setattr(asgi_body, "BODY_LIMIT", 5)
    respond(DiscloseMiddleware(application(b"image/png", b"no picture"), profile, oversize="pass", **media))
    assert counted("web", "text/plain") == counted("web", "image/png") == 1
    assert counted("web", "text/plain", "failed", "UnsupportedError") == 1
    assert counted("web", "unknown", "skipped", "oversize") == 1


def test_the_gradio_door_counts_files_and_the_texts_that_leave_as_they_are(profile, counted, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    with gradio.Blocks() as demo:
        shown = [gradio.Image(format="png"), gradio.Textbox()]
        gradio.Button().click(lambda: None, None, shown)
    disclosed(demo, profile, system="S")
    drawn = next(one for one in demo.fns.values() if len(one.outputs) == 2)
    anyio.run(demo.postprocess_data, drawn, [photograph(), ANSWER], None)
    assert (counted("gradio", "image/png"), counted.timed("gradio", "image/png")) == (1, 1)
    assert counted("gradio", "text", "skipped", "not marked") == 1


def test_a_log_line_has_its_fields_and_not_a_word_of_the_content(profile, caplog):
    caplog.set_level(logging.DEBUG)
    answer = disclose.marked(profile, system="S")(lambda prompt: ANSWER)("a prompt of somebody's")
    (line,) = lines(caplog)
    assert (line.levelname, line.door, line.media_type, line.outcome) == ("INFO", "function", "text/plain", "marked")
    assert line.disclosure == str(answer.disclosure.id)
    assert 0 < line.milliseconds < 60_000
    everything = "".join(str(vars(record)) for record in caplog.records)
    assert ANSWER not in everything
    assert "somebody" not in everything


def test_a_failure_is_logged_as_a_warning_that_names_its_kind(profile, caplog):
    with pytest.raises(DiscloseError):
        disclose.marked(profile, system="S")(lambda: 3.14)()
    (line,) = lines(caplog)
    assert (line.levelname, line.outcome, line.reason) == ("WARNING", "failed", "UnsupportedError")


def test_an_interrupted_marking_is_not_counted_as_a_marked_one(counted):
    with pytest.raises(KeyboardInterrupt), metrics.output("test"):
        raise KeyboardInterrupt
    assert counted("test", "unknown", "failed", "KeyboardInterrupt") == 1


def run(code):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_without_either_library_nothing_is_counted_and_nothing_fails():
    code = """
        import sys
        sys.modules["prometheus_client"] = sys.modules["opentelemetry"] = None
        from disclose.integrations import metrics
        with metrics.output("door", "text/plain"):
            pass
        metrics.skipped("door", "text/plain", "why")
        print(metrics._sink())
    """
    assert run(code) == "None"


def test_an_application_that_uses_opentelemetry_gets_the_figures_there_and_only_there():
    code = """
        from opentelemetry import metrics as api
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from prometheus_client import REGISTRY
        reader = InMemoryMetricReader()
        api.set_meter_provider(MeterProvider([reader]))
        from disclose.integrations import metrics
        with metrics.output("door", "text/plain"):
            pass
        (resource,) = reader.get_metrics_data().resource_metrics
        for metric in resource.scope_metrics[0].metrics:
            (point,) = metric.data.data_points
            print(metric.name, metric.unit, dict(point.attributes), getattr(point, "count", None) or point.value)
        assert not [one for one in REGISTRY.collect() if one.name.startswith("disclose")]
    """
    assert run(code).split("\n") == [
        "disclose.outputs {output} {'door': 'door', 'media_type': 'text/plain', 'outcome': 'marked', 'reason': ''} 1",
        "disclose.marking.duration s {'door': 'door', 'media_type': 'text/plain'} 1",
    ]


def test_outputs_that_come_first_and_at_once_share_one_counter():
    code = """
        import threading
        from concurrent.futures import ThreadPoolExecutor
        from prometheus_client import REGISTRY
        from disclose.integrations import metrics
        together = threading.Barrier(16)
        def one(_):
            together.wait()
            metrics.skipped("function", "text/plain", "tried")
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(one, range(16)))
        labels = {"door": "function", "media_type": "text/plain", "outcome": "skipped", "reason": "tried"}
        print(REGISTRY.get_sample_value("disclose_outputs_total", labels))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("16.0", 0), done.stderr


def test_counting_is_not_loaded_before_there_is_something_to_count():
    code = "import sys, disclose.integrations.functions; print('prometheus_client' in sys.modules)"
    assert run(code) == "False"
