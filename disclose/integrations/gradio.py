"""The second door: a Gradio app that tells people what they talk to, and whose pictures leave marked.

Marking happens where Gradio has just encoded an output, because whatever is signed earlier it encodes once more.
One method of the app is overridden on the instance (``postprocess_data``); while it runs, and only then, the
components mark what they return. A sweep over the result finds what appeared later: downloads, ``gr.api`` files.
"""

from __future__ import annotations

import base64
import contextvars
import functools
import hashlib
import importlib.util
import inspect
import logging
import mimetypes
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.errors import DiscloseError, ProfileError, extra
from disclose.media import files, sniff
from disclose.notice import Notice

with extra("gradio"):
    import anyio.to_thread
    import gradio
    from gradio import processing_utils
    from gradio.components.api_component import Api
    from gradio.data_classes import GradioModel, GradioRootModel
    from gradio_client import utils as client_utils

if TYPE_CHECKING:
    from disclose.profile import Profile

_log = logging.getLogger(__name__)
_App = TypeVar("_App", bound=gradio.Blocks)
_taught: set[Callable[..., Any]] = set()
_scope: contextvars.ContextVar[_Door | None] = contextvars.ContextVar("disclose_gradio_door", default=None)


def disclosed(
    demo: _App,
    profile: Profile | None = None,
    *,
    notice: bool | Notice = True,
    only: Iterable[Callable[..., Any] | str] | None = None,
    **statement: Any,
) -> _App:
    """Return *demo*, which from now on shows the notice and marks the pictures that its events return.

    *statement* is what :func:`disclose.mark` takes. *only* names the functions (or API names) whose outputs are
    generated; without it all are, except what a user uploaded and gets back unchanged. A picture that cannot be
    marked does not leave: the user reads why. Audio, video, text and plots are not marked, which is logged once
    for each. Examples that were cached before stay as they are: delete ``.gradio/cached_examples`` once.
    """
    Disclosure.new(**{"system": "checked below", **statement})
    door = _Door(demo, profile, statement, None if only is None else tuple(only))
    door.attach()
    if notice:
        _announce(demo, notice if isinstance(notice, Notice) else Notice())
    return demo


class _Door:
    """Marks the outputs of one app."""

    def __init__(
        self,
        demo: gradio.Blocks,
        profile: Profile | None,
        statement: dict[str, Any],
        only: tuple[Callable[..., Any] | str, ...] | None,
    ) -> None:
        if profile is None:
            from disclose.profile import default_profile

            profile = default_profile()
        self.demo, self.profile, self.statement, self.only = demo, profile, statement, only
        self._known: OrderedDict[str, str] = OrderedDict()
        self._told: set[str] = set()

    def attach(self) -> None:
        """Override the app's ``postprocess_data``; raises where this Gradio is not as this module expects it."""
        _check_gradio(self.demo)
        if "postprocess_data" in vars(self.demo):
            raise ProfileError("this app is disclosed already: call disclosed() once for each app")
        for wanted in self.only or ():
            if not any(_names(function, wanted) for function in self.demo.fns.values()):
                raise ProfileError(f"only={wanted!r} is no function of this app, so nothing of it would be marked")
        # What the profile misses is refused when the app is made, and not at the first picture.
        self.profile.marker()
        self.profile.disclosure(**self.statement)
        original = self.demo.postprocess_data

        async def postprocess_data(block_fn: Any, predictions: Any, state: Any) -> Any:
            if not self._concerns(block_fn):
                return await original(block_fn, predictions, state)
            for block in block_fn.outputs:
                _teach(type(block))
            token = _scope.set(self)
            try:
                values = await original(block_fn, predictions, state)
            finally:
                _scope.reset(token)
            outputs = zip(values, block_fn.outputs, strict=False)
            return [await self._swept(value, block) for value, block in outputs]

        self.demo.postprocess_data = postprocess_data  # type: ignore[method-assign]
        _keep_files_whole_over_mcp()

    def marked(self, value: Any, block: Any) -> Any:
        """Return *value* with the files in it exchanged for marked ones; what people uploaded stays as it is."""
        if isinstance(value, (list, tuple)):
            return [self.marked(item, block) for item in value]
        if isinstance(value, str) and value.startswith("data:image/"):
            self._tell("a picture inside a data: address")
        if not isinstance(value, dict):
            return value
        if client_utils.is_file_obj_with_meta(value):
            return self._marked_file(value, block)
        if isinstance(block, gradio.Chatbot) and "role" in value:
            if value["role"] == "user":
                return value
            self._tell("text")
        return {name: self.marked(item, block) for name, item in value.items()}

    async def _swept(self, value: Any, block: Any) -> Any:
        if isinstance(value, str) and value:
            self._tell("text")
        if not isinstance(value, (dict, list)):
            return value
        value = await anyio.to_thread.run_sync(self.marked, value, block, limiter=self.demo.limiter)
        if isinstance(block, Api):
            # Gradio leaves the files of gr.api() where the function wrote them; what leaves is the marked copy.
            return await processing_utils.async_move_files_to_cache(value, block, postprocess=True)
        return value

    def _concerns(self, block_fn: Any) -> bool:
        if getattr(block_fn, "is_validator_function", False):  # new in Gradio 6
            return False
        if not block_fn.postprocess and not any(isinstance(block, Api) for block in block_fn.outputs):
            return False  # an example being loaded, not a result
        return self.only is None or any(_names(block_fn, wanted) for wanted in self.only)

    def _marked_file(self, value: dict[str, Any], block: Any) -> dict[str, Any]:
        path = value["path"]
        if value.get("is_stream"):
            self._tell("a stream")
            return value
        if client_utils.is_http_url_like(path):
            if getattr(block, "proxy_url", None):
                self._tell("a file of another app (gr.load)")
                return value
            if _scope.get() is not None:
                return value  # Gradio may still fetch it; the sweep looks again
            path = block.move_resource_to_block_cache(path)
        # Gradio refuses paths outside the allowed folders; a marked copy must not be a way around that.
        processing_utils._check_allowed(path, False)  # noqa: SLF001
        if (kind := _kind(Path(path))) != "picture":
            self._tell(kind)
            return value
        data = files.read(Path(path))
        if self._is_upload(path, data):
            return value
        target = self._marked_copy(data, Path(path), block)
        if target == value["path"]:
            return value
        url = f"/gradio_api/file={quote(target)}" if value.get("url") else None
        return {**value, "path": target, "url": url, "size": value.get("size") and Path(target).stat().st_size}

    def _marked_copy(self, data: bytes, path: Path, block: Any) -> str:
        """Return the path of the marked copy of *data*, in the cache beside the other outputs of *block*."""
        source = hashlib.sha256(data).hexdigest()
        if (known := self._known.get(source)) is not None and Path(known).is_file():
            return known  # a chat shows its earlier pictures again every turn
        try:
            asset = self.profile.marker().mark(
                Asset.from_data(data, name="the picture"), self.profile.disclosure(**self.statement)
            )
            target = path
            if asset.data != data:
                target = Path(block.GRADIO_CACHE) / asset.sha256 / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                files.write(target, asset.data)
                block.temp_files.add(str(target))
        except DiscloseError as error:
            _log.error("held back %s, which could not be marked: %s", path, error)
            raise gradio.Error(f"This picture was held back, because it could not be marked: {error}") from error
        self._known[source] = self._known[asset.sha256] = str(target)
        while len(self._known) > 1024:
            self._known.popitem(last=False)
        return str(target)

    def _is_upload(self, path: str, data: bytes) -> bool:
        """Whether *path* is what somebody uploaded, unchanged: the folder is named after the content."""
        if str(path) not in self.demo.upload_file_set:
            return False
        return hashlib.sha256(processing_utils.hash_seed + data).hexdigest() == Path(path).parent.name

    def _tell(self, kind: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            _log.warning("%s is not marked by this profile; it leaves this app as it is", kind)


def _kind(path: Path) -> str:
    """Return "picture" for what has to be marked or held back, and a name for everything else."""
    with path.open("rb") as stream:
        found = sniff.media_type(stream.read(4096))
    named = mimetypes.guess_type(path.name)[0] or found
    if found.startswith("image/") or (named.startswith("image/") and named != "image/svg+xml"):
        return "picture"
    return named.split("/")[0] if named.startswith(("audio/", "video/", "text/")) else f"a file of type {named}"


def _teach(component: type[Any]) -> None:
    """Let the class that defines *component*'s ``postprocess`` mark what it returns, inside a door's scope alone."""
    owner = next(one for one in component.__mro__ if "postprocess" in vars(one))
    original = vars(owner)["postprocess"]
    if original in _taught:
        return

    @functools.wraps(original)
    def postprocess(self: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, value, *args, **kwargs)
        door = _scope.get()
        if door is None or not isinstance(result, (GradioModel, GradioRootModel)):
            return result
        marked = door.marked(result.model_dump(), self)
        return type(result)(root=marked) if isinstance(result, GradioRootModel) else type(result)(**marked)

    _taught.add(postprocess)
    owner.postprocess = postprocess  # type: ignore[attr-defined]


def _announce(demo: gradio.Blocks, notice: Notice) -> None:
    """Show *notice* on every page of *demo*: a load event belongs to the page that is current when it is made."""
    current = demo.current_page
    try:
        for page in demo.pages:
            demo.current_page = page[0]
            with demo:
                demo.load(fn=None, js=notice.to_script())
    finally:
        demo.current_page = current


def _names(block_fn: Any, wanted: Callable[..., Any] | str) -> bool:
    return bool(block_fn.api_name == wanted if isinstance(wanted, str) else block_fn.fn == wanted)


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
        return base64.b64encode(path.read_bytes()).decode() if path.is_file() else original(image, format)

    _taught.add(get_base64_data)
    GradioMCPServer.get_base64_data = staticmethod(get_base64_data)  # type: ignore[method-assign]


def _check_gradio(demo: gradio.Blocks) -> None:
    """Raise DiscloseError where Gradio's own methods are not what this door was built against."""
    unfit = f"gradio {gradio.__version__} is not supported, so nothing would be marked"
    try:
        found = {
            "Blocks.postprocess_data": list(inspect.signature(type(demo).postprocess_data).parameters),
            "_check_allowed": list(inspect.signature(processing_utils._check_allowed).parameters),  # noqa: SLF001
            "hash_seed": [type(processing_utils.hash_seed).__name__],
            "upload_file_set": [type(demo.upload_file_set).__name__],
        }
    except AttributeError as error:
        raise DiscloseError(f"{unfit}: {error}") from error
    for name, expected in _EXPECTED.items():
        if found[name] != expected:
            raise DiscloseError(f"{unfit}: {name} is {found[name]}, not {expected}")


_EXPECTED = {
    "Blocks.postprocess_data": ["self", "block_fn", "predictions", "state"],
    "_check_allowed": ["path", "check_in_upload_folder"],
    "hash_seed": ["bytes"],
    "upload_file_set": ["set"],
}
