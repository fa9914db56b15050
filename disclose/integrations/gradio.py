"""The second door: a Gradio app that tells people what they talk to, and whose outputs leave marked.

Marking happens where Gradio has just encoded an output, because whatever is signed earlier it encodes once more.
Two methods of the app are overridden on the instance: ``preprocess_data``, to know again what clients sent, and
``postprocess_data``; while that runs, and only then, the components mark what they return. A sweep over the result
finds what appeared later: downloads, ``gr.api`` files.
"""

from __future__ import annotations

import asyncio
import base64
import contextvars
import functools
import importlib.util
import inspect
import logging
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from disclose.disclosure import Disclosure
from disclose.errors import DiscloseError, ProfileError, extra
from disclose.integrations.gradio_addresses import holds_files
from disclose.integrations.gradio_answer import answered, answered_response
from disclose.integrations.gradio_app import serve
from disclose.integrations.gradio_callers import tell_callers
from disclose.integrations.gradio_conversation import Conversation
from disclose.integrations.gradio_notice import Announcement, hand_back, take_over
from disclose.integrations.gradio_outputs import Outputs, is_on_event_loop, is_update, show_in_session
from disclose.integrations.gradio_selftest import prove
from disclose.integrations.gradio_texts import TextLabels
from disclose.notice import Notice

with extra("gradio"):
    import gradio
    from gradio import processing_utils, utils
    from gradio.components.api_component import Api
    from gradio.data_classes import GradioModel, GradioRootModel, JsonData
    from gradio.helpers import Examples
    from gradio_client import utils as client_utils

if TYPE_CHECKING:
    from disclose.profile import Profile

__all__ = ["Conversation", "disclosed", "hand_back", "take_over"]

_log = logging.getLogger("disclose.integrations.gradio")
_App = TypeVar("_App", bound=gradio.Blocks)
_Named = Callable[..., Any] | str
_BLOCKING = gradio.__version__.startswith("5.")
"""Whether Gradio calls components on the event loop, where one output being marked would hold up all others."""
_taught: set[Callable[..., Any]] = set()
_scope: contextvars.ContextVar[Outputs | None] = contextvars.ContextVar("disclose_gradio_outputs", default=None)


def disclosed(
    demo: _App,
    profile: Profile | None = None,
    *,
    notice: bool | Notice | None = None,
    conversation: Conversation | None = None,
    only: Iterable[_Named] | None = None,
    exclude: Iterable[_Named] = (),
    text_label: bool = False,
    unmarked_streams: str | None = None,
    **statement: Any,
) -> _App:
    """Return *demo*, which from now on shows the notice and marks the files that its events return.

    *notice* is what *profile* says unless it is given, and *conversation* says who talks with the system. With
    ``notice=False`` nothing is shown to anybody, which needs the reason in writing that a conversation can hold.
    *statement* is what :func:`disclose.mark` takes. *only* names the functions (or API names) whose outputs are
    generated; without it all are, save those of the functions in *exclude* and what a client sent and gets back
    unchanged. Files that hold no manifest leave with one beside them, at their address with ``.c2pa`` behind it. A
    file that cannot be marked does not leave: the user reads why. Texts are not marked, which is logged once; with
    *text_label* they begin with a label in the profile's ``label_language``, which functions do not get to see when a
    text comes back. The pieces of a streamed sound or film hold no manifest either, and so they are held back, unless
    *unmarked_streams* gives the reason to let them leave, which the log states; the whole file that Gradio makes of
    them for whoever downloads it is marked. Raises DiscloseError where this Gradio would let outputs out unmarked.
    """
    Disclosure.new(**{"system": "checked below", **statement})
    if profile is None:
        from disclose.profile import default_profile

        profile = default_profile()
    if notice is None:
        notice = profile.notice
    said = Conversation.of(profile) if conversation is None else conversation
    if notice is False:
        _check_reason(said)
    told = Announcement(demo, profile, notice if isinstance(notice, Notice) else Notice(), said) if notice else None
    texts = TextLabels(profile.label_language if text_label else None, told.is_human if told else lambda: False)
    options = {"texts": texts, "unmarked_streams": unmarked_streams}
    _Door(demo, profile, statement, None if only is None else tuple(only), tuple(exclude), told, options).attach()
    return demo


def _check_reason(conversation: Conversation) -> None:
    """Raise ProfileError unless there is a written reason to show no notice at all, which the log then states."""
    if conversation.exemption is None:
        raise ProfileError(
            "to leave the notice out needs a written reason, which is recorded: conversation=Conversation(obvious='…'),"
            " m2m='…' or assistive='…' beside notice=False (AI Act Art. 50(1); Guidelines C(2026) 5054 ¶30, 42-45)"
        )
    _log.warning("this app shows no notice (%s): %s", conversation.exemption.kind, conversation.exemption.reason)


class _Door:
    """Marks the outputs of one app."""

    def __init__(
        self,
        demo: gradio.Blocks,
        profile: Profile,
        statement: dict[str, Any],
        only: tuple[_Named, ...] | None,
        exclude: tuple[_Named, ...],
        told: Announcement | None,
        options: dict[str, Any],
    ) -> None:
        self.demo, self.profile, self.statement = demo, profile, statement
        self.only, self.exclude, self.told, self.options = only, exclude, told, options

    def attach(self) -> None:
        """Override the app's methods; raises where this Gradio is not as this module expects it."""
        _check_gradio(self.demo)
        if "postprocess_data" in vars(self.demo):
            raise ProfileError("this app is disclosed already: call disclosed() once for each app")
        for name, wanted in (("only", self.only or ()), ("exclude", self.exclude)):
            for one in wanted:
                if not any(_names(function, one) for function in self.demo.fns.values()):
                    raise ProfileError(f"{name}={one!r} is no function of this app, so naming it changes nothing")
        # What the profile misses is refused when the app is made, and not at the first output.
        marker = self.profile.marker()
        prove(_hook, marker, self.disclosure())
        leaves = (self.told.output, self.told.asked) if self.told is not None else ()
        outputs = Outputs(self.demo, self.profile.marker, self.disclosure, *leaves, **self.options)
        _hook(self.demo, outputs, self.concerns)
        if self.told is not None:
            tell_callers(self.demo, self.profile, self.statement, self.told.notice, self.concerns)
            self.told.attach()
            serve(self.demo, self.profile, self.statement, self.told)

    def disclosure(self) -> Disclosure:
        """Return the statement for the next output."""
        return self.profile.disclosure(**self.statement)

    def concerns(self, block_fn: Any) -> bool:
        """Whether the outputs of *block_fn* are to be marked."""
        if getattr(block_fn, "is_validator_function", False):  # new in Gradio 6
            return False
        if self.told is not None and self.told.owns(block_fn):
            return False
        if any(_names(block_fn, one) for one in self.exclude):
            return False
        return self.only is None or any(_names(block_fn, one) for one in self.only)


def _hook(demo: gradio.Blocks, outputs: Outputs, concerns: Callable[[Any], bool] = lambda block_fn: True) -> None:
    """Let *outputs* see what comes into the app *demo* and mark what leaves the functions it *concerns*."""
    preprocess, original = demo.preprocess_data, demo.postprocess_data

    async def preprocess_data(block_fn: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        outputs.receive(inputs)
        if concerns(block_fn):
            inputs = outputs.texts.receive(inputs, block_fn.inputs)
        values = await preprocess(block_fn, inputs, *args, **kwargs)
        await outputs.in_thread(outputs.receive_content, inputs, values)
        return values

    async def postprocess_data(block_fn: Any, predictions: Any, state: Any) -> Any:
        if not concerns(block_fn):
            return await original(block_fn, predictions, state)
        if not block_fn.postprocess:
            if outputs.asked is not None:
                predictions = answered_response(predictions, outputs.asked)
            predictions = outputs.texts.labelled_response(predictions)
        if not block_fn.postprocess and getattr(block_fn.fn, "__module__", None) == Examples.__module__:
            # An example: its inputs are nobody's output, and what was cached before is made ready here.
            ready = await outputs.in_thread(_cached, predictions, outputs, block_fn.outputs)
            return await original(block_fn, ready, state)
        for block in block_fn.outputs:
            _teach(type(block))
            _teach_combining(block, outputs)
        with outputs.of(block_fn):
            token = _scope.set(outputs)
            try:
                if _BLOCKING:
                    values = await outputs.in_thread(asyncio.run, original(block_fn, predictions, state))
                else:
                    values = await original(block_fn, predictions, state)
            finally:
                _scope.reset(token)
            shown = list(zip(values, block_fn.outputs, strict=False))
            # Gradio 6 has noted what an update shows before it could be marked.
            for value, block in shown:
                if is_update(value) and "value" in value:
                    show_in_session(state, block, None)
            marked = [await _swept(value, block, outputs) for value, block in shown]
            for value, block in zip(marked, block_fn.outputs, strict=False):
                if is_update(value) and "value" in value:
                    show_in_session(state, block, value["value"])
            return marked

    demo.preprocess_data = preprocess_data  # type: ignore[method-assign]
    demo.postprocess_data = postprocess_data  # type: ignore[method-assign]
    _watch_encoding()
    _keep_files_whole_over_mcp()


async def _swept(value: Any, block: Any, outputs: Outputs) -> Any:
    """Return *value* with what appeared in it after the component's own postprocessing marked too."""
    if outputs.is_segment(value, block):
        outputs.pass_segment()
        return value
    if not isinstance(value, (dict, list, str)):
        return value
    if isinstance(value, str) and not holds_files(value):
        if value:
            outputs.tell_text(block)
        return value
    value = await outputs.in_thread(outputs.marked, value, block)
    if isinstance(block, Api):
        # Gradio leaves the files of gr.api() where the function wrote them; what leaves is the marked copy.
        return await processing_utils.async_move_files_to_cache(value, block, postprocess=True)
    return value


def _cached(value: Any, outputs: Outputs, blocks: Any) -> Any:
    """Return *value* with the files of Gradio's cache of examples marked, which may be older than the door."""
    if isinstance(value, (list, tuple)):
        return [_cached(item, outputs, blocks) for item in value]
    if isinstance(value, (GradioModel, GradioRootModel)):
        marked = _cached(value.model_dump(), outputs, blocks)
        return type(value)(root=marked) if isinstance(value, GradioRootModel) else type(value)(**marked)
    if not isinstance(value, dict):
        return value
    if client_utils.is_file_obj_with_meta(value):
        folder = utils.get_cache_folder().resolve()
        inside = Path(value["path"]).resolve().is_relative_to(folder)
        return outputs.marked(value, blocks[0]) if inside else value
    return {name: _cached(item, outputs, blocks) for name, item in value.items()}


def _teach(component: type[Any]) -> None:
    """Let the class that defines *component*'s ``postprocess`` mark what it returns, inside a door's scope alone."""
    owner = next(one for one in component.__mro__ if "postprocess" in vars(one))
    original = vars(owner)["postprocess"]
    if original in _taught:
        return

    @functools.wraps(original)
    def postprocess(self: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, value, *args, **kwargs)
        outputs = _scope.get()
        return result if outputs is None else _marked_model(result, self, outputs)

    _taught.add(postprocess)
    owner.postprocess = postprocess  # type: ignore[attr-defined]


def _teach_combining(block: Any, outputs: Outputs) -> None:
    """Let *block* mark the one file that it makes of a stream for whoever downloads it."""
    original = getattr(block, "combine_stream", None)
    if original is None or original in _taught:
        return

    @functools.wraps(original)
    async def combine_stream(*args: Any, **kwargs: Any) -> Any:
        return await outputs.in_thread(_marked_model, await original(*args, **kwargs), block, outputs)

    _taught.add(combine_stream)
    block.combine_stream = combine_stream


def _marked_model(result: Any, block: Any, outputs: Outputs) -> Any:
    # A piece of a stream is none of the files that leave, and was held back or let through by the sweep.
    if isinstance(result, JsonData):
        return JsonData(root=outputs.marked_data(result.model_dump(), block))
    is_model = isinstance(result, (GradioModel, GradioRootModel))
    if not (is_model or isinstance(result, str)) or outputs.is_segment(result, block):
        return result
    shown = result.model_dump() if is_model else result
    if outputs.asked is not None:
        shown = answered(shown, block, outputs.asked)
    shown = outputs.texts.labelled(shown, block)
    # Gradio 6 encodes what an update shows on the event loop; it is marked by the sweep, which is in a thread.
    if _BLOCKING or not is_on_event_loop():
        shown = outputs.marked(shown, block, is_final=False)
    if not is_model:
        return shown
    return type(result)(root=shown) if isinstance(result, GradioRootModel) else type(result)(**shown)


def _watch_encoding() -> None:
    """Let the door in scope know which file Gradio made of which picture or sound."""
    for name in _ENCODERS:
        original = getattr(processing_utils, name)
        if original not in _taught:
            watched = _watched(original)
            _taught.add(watched)
            setattr(processing_utils, name, watched)


def _watched(encode: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(encode)
    def encoder(content: Any, *args: Any, **kwargs: Any) -> str:
        outputs = _scope.get()
        if outputs is None or "cache_dir" not in kwargs:
            path = encode(content, *args, **kwargs)
        else:
            path = _encoded_whole(encode, content, *args, **kwargs)
        if outputs is not None:
            outputs.encoded(content, path)
        return path

    return encoder


def _encoded_whole(encode: Callable[..., str], content: Any, *args: Any, cache_dir: str, **kwargs: Any) -> str:
    """Return the path that *encode* would, where the file appears whole or not at all.

    Gradio names a file after its content and writes it in place: of two sessions that are given the same picture at
    once, one would read what the other has half written.
    """
    cache = Path(cache_dir).resolve()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        path = Path(encode(content, *args, cache_dir=folder, **kwargs))
        target = cache / path.relative_to(Path(folder).resolve())
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    return str(target)


def _names(block_fn: Any, wanted: _Named) -> bool:
    return bool(
        block_fn.api_name == wanted if isinstance(wanted, str) else wanted in (block_fn.fn, _cached_by(block_fn))
    )


def _cached_by(block_fn: Any) -> Any:
    """Return the function whose outputs *block_fn* loads as cached examples, or None."""
    cells = (cell.cell_contents for cell in getattr(block_fn.fn, "__closure__", None) or ())
    return next((one.fn for one in cells if isinstance(one, Examples)), None)


def _keep_files_whole_over_mcp() -> None:
    """Let MCP send the bytes of a file: Gradio opens pictures and encodes them again, which drops the manifest."""
    if importlib.util.find_spec("mcp") is None:
        return
    from gradio.mcp import GradioMCPServer

    original = GradioMCPServer.get_base64_data
    if original in _taught:
        return

    def get_base64_data(image: Any, format: str) -> str:
        path = Path(getattr(image, "filename", "") or "")
        if not path.is_file():
            return original(image, format)
        # Gradio opened it to encode it, which would have closed it.
        image.close()
        return base64.b64encode(path.read_bytes()).decode()

    _taught.add(get_base64_data)
    GradioMCPServer.get_base64_data = staticmethod(get_base64_data)  # type: ignore[method-assign]


def _check_gradio(demo: gradio.Blocks) -> None:
    """Raise DiscloseError where Gradio's own methods are not what this door was built against."""
    unfit = f"gradio {gradio.__version__} is not supported, so nothing would be marked; install gradio 5.50 or 6"
    try:
        found = {
            "Blocks.preprocess_data": list(inspect.signature(type(demo).preprocess_data).parameters),
            "Blocks.postprocess_data": list(inspect.signature(type(demo).postprocess_data).parameters),
            "_check_allowed": list(inspect.signature(processing_utils._check_allowed).parameters),  # noqa: SLF001
            "hash_seed": [type(processing_utils.hash_seed).__name__],
            "upload_file_set": [type(demo.upload_file_set).__name__],
            "encoders": [
                next(iter(inspect.signature(getattr(processing_utils, name)).parameters)) for name in _ENCODERS
            ],
        }
    except AttributeError as error:
        raise DiscloseError(f"{unfit}: {error}") from error
    for name, expected in _EXPECTED.items():
        if found[name] != expected:
            raise DiscloseError(f"{unfit}: {name} is {found[name]}, not {expected}")


_ENCODERS = ("save_pil_to_cache", "save_img_array_to_cache", "save_audio_to_cache")
_EXPECTED = {
    "Blocks.preprocess_data": ["self", "block_fn", "inputs", "state", "explicit_call"],
    "Blocks.postprocess_data": ["self", "block_fn", "predictions", "state"],
    "_check_allowed": ["path", "check_in_upload_folder"],
    "hash_seed": ["bytes"],
    "upload_file_set": ["set"],
    "encoders": ["img", "arr", "data"],
}
