"""The first door: a decorator that marks what a function returns or yields, pictures and texts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, TypeVar

from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.duty import Function, Route, Use
from disclose.errors import UnsupportedError
from disclose.integrations import endpoint, metrics
from disclose.integrations.function_outputs import DOOR, Outputs, identifier_of
from disclose.integrations.text_or_path import names_file, opened
from disclose.integrations.text_stream import issued

if TYPE_CHECKING:
    from disclose.evidence import Verdict
    from disclose.profile import Profile

_Anything = Callable[..., Any]
_Function = TypeVar("_Function", bound=_Anything)


def mark(
    obj: object,
    profile: Profile | None = None,
    *,
    inputs: Iterable[object] = (),
    sidecar: bool = False,
    production: bool = False,
    route: Route | str = Route.PERSON,
    function: Function | str = Function.GENERATION,
    **statement: Any,
) -> Asset:
    """Return the asset of *obj*, marked: watermarked, signed and recorded.

    *obj* is encoded bytes, a path, a PIL image, a uint8 array or a text; it is never changed. *inputs* are what it was
    made from, as image-to-image does: what they say of their origin is kept. Formats that hold no manifest are refused
    unless *sidecar* says that ``asset.sidecar`` will be delivered too; ``asset.save`` does so. A ``str`` is a path
    where one line of it names a file, there or missing, and a text otherwise; a text is put on record as it is, and
    signed in a sidecar where *sidecar* says so. By the *route* a text takes and the *function* that made it, its record
    says whether a watermark was due and why, see :mod:`disclose.duty`. *statement* says who made it with what:
    ``system``, ``version``, ``provider``, ``model``, ``action`` ("created" or "altered"), ``source_type``,
    ``detector``, ``on_behalf_of``. ``production=True`` refuses the development identity. Raises a DiscloseError when
    *obj* cannot be marked in full.
    """
    chosen = _chosen(profile, production)
    with metrics.output(DOOR) as output:
        origins = tuple(map(opened, inputs))
        if isinstance(obj, str) and not names_file(obj):
            output.media_type = "text/plain"
            if origins and not sidecar:
                raise UnsupportedError(
                    "cannot keep what a text was made from: that stands in its manifest; pass sidecar=True"
                )
            marked_asset = issued(
                obj, chosen, statement, sidecar=sidecar, inputs=origins, route=route, function=function
            )
        else:
            asset = opened(obj).with_inputs(origins)
            output.media_type = asset.media_type
            marked_asset = chosen.marker().mark(asset, chosen.disclosure(**statement), sidecar=sidecar)
        output.identifier = identifier_of(marked_asset)
    return marked_asset


def verify(obj: object, profile: Profile | None = None) -> Verdict:
    """Return the verdict on *obj*: encoded bytes, a path, a text, a PIL image, a uint8 array or an asset.

    A ``str`` is a path where one line of it names a file, there or missing, and a text otherwise.

    Raises UnreadableError only when there is nothing to look at (missing, empty, a folder); all else is evidence.
    """
    return _chosen(profile).verifier().verify(opened(obj))


def marked(
    profile: Profile | None = None,
    *,
    production: bool = False,
    route: Route | str = Route.PERSON,
    function: Function | str = Function.GENERATION,
    **statement: Any,
) -> Callable[[_Function], _Function]:
    """Return a decorator that marks every picture and text that a function returns or yields.

    Works on functions, coroutines, generators and asynchronous generators. What leaves has the shape it came in:
    a picture or an array leaves as a :class:`~disclose.integrations.pil.MarkedImage`, bytes stay bytes, a path
    leads to a marked copy beside the original, and lists and tuples are marked item by item.

    An ``os.PathLike`` is a path; a ``str`` is one where it is one line and names a file of a kind that is marked, and
    a text otherwise. A text leaves as a :class:`~disclose.integrations.text_stream.MarkedText`, unchanged unless the
    profile names layers that change texts. The texts that a generator yields are the pieces of one: each leaves as it
    comes, and the whole is on record when the generator ends, or what there was of it when it is closed before. *route*
    and *function* say of texts who receives them ("person", "machine") and what the system was asked for ("generation",
    "summary", "translation", …): by them its record says whether a watermark was due and why. The
    response that an endpoint of a web application returns is marked on its way out by
    :class:`~disclose.integrations.asgi.DiscloseMiddleware`.
    """
    if callable(profile):
        raise TypeError("use the decorator with parentheses: @disclose.marked(system='…')")
    # A misspelt statement is refused where it is written, and not when the first picture is made.
    Disclosure.new(**{"system": "checked below", **statement})
    use = Use(route=Route(route), function=Function(function))
    endpoint.expect()

    def outputs() -> Outputs:
        return Outputs(_chosen(profile, production), statement, use)

    def decorate(wrapped: _Function) -> _Function:
        kinds = (
            (inspect.isasyncgenfunction, _asynchronous_generator),
            (inspect.iscoroutinefunction, _coroutine),
            (inspect.isgeneratorfunction, _generator),
        )
        # An object that is called is what its class says of being called.
        ways = (wrapped, type(wrapped).__call__)
        wrap = next((wrap for is_kind, wrap in kinds if any(map(is_kind, ways))), _plain)
        return functools.wraps(wrapped)(wrap(wrapped, outputs))  # type: ignore[return-value]

    return decorate


def _plain(function: _Anything, outputs: Callable[[], Outputs]) -> _Anything:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return outputs().marked(function(*args, **kwargs))

    return wrapper


def _generator(function: _Anything, outputs: Callable[[], Outputs]) -> _Anything:
    def wrapper(*args: Any, **kwargs: Any) -> Iterator[Any]:
        made = outputs()
        try:
            with closing(function(*args, **kwargs)) as items:
                yield from _relayed(items, made.leaving)
        except BaseException:
            made.break_off()
            raise
        made.end_text()

    return wrapper


def _relayed(items: Generator[Any, Any, Any], leaving: Callable[[Any], Any]) -> Iterator[Any]:
    """Yield each of *items* as *leaving* makes it, and hand on what the caller sends or throws in (PEP 342)."""
    resume = functools.partial(next, items)
    while True:
        try:
            item = resume()
        except StopIteration:
            return
        left = leaving(item)
        try:
            resume = functools.partial(items.send, (yield left))
        except Exception as error:
            resume = functools.partial(items.throw, error)


def _coroutine(function: _Anything, outputs: Callable[[], Outputs]) -> _Anything:
    from anyio import to_thread

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        # Marking is a tenth of a second of computing; the event loop has other callers.
        return await to_thread.run_sync(outputs().marked, await function(*args, **kwargs))

    return wrapper


def _asynchronous_generator(function: _Anything, outputs: Callable[[], Outputs]) -> _Anything:
    from anyio import CancelScope, to_thread

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        made = outputs()
        try:
            async with aclosing(function(*args, **kwargs)) as items:
                resume = functools.partial(anext, items)
                while True:
                    try:
                        item = await resume()
                    except StopAsyncIteration:
                        break
                    if made.text is None or not made.is_piece(item):
                        item = await to_thread.run_sync(made.leaving, item)
                    else:
                        item = made.noted(item)
                    try:
                        resume = functools.partial(items.asend, (yield item))
                    except Exception as error:
                        resume = functools.partial(items.athrow, error)
        except BaseException:
            # What has left has left, and its record is written although nobody waits for it any more.
            with CancelScope(shield=True):
                await to_thread.run_sync(made.break_off)
            raise
        await to_thread.run_sync(made.end_text)

    return wrapper


def _chosen(profile: Profile | None, production: bool = False) -> Profile:
    """Return *profile*, or the one the environment describes; for production where that is asked for."""
    if profile is None:
        from disclose.profile import default_profile

        profile = default_profile()
    return profile.for_production() if production else profile
