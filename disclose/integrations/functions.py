"""The first door: a decorator that marks what a function returns or yields."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from disclose.asset import Asset
from disclose.disclosure import Disclosure

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
    **statement: Any,
) -> Asset:
    """Return the asset of *obj*, marked: watermarked, signed and recorded.

    *obj* is encoded bytes, a path, a PIL image or a uint8 array; it is never changed. *inputs* are what it was made
    from, as image-to-image does: what they say of their origin is kept. Formats that hold no manifest are refused
    unless *sidecar* says that ``asset.sidecar`` will be delivered too; ``asset.save`` does so. *statement* says who
    made it with what: ``system``, ``version``, ``provider``, ``model``, ``action`` ("created" or "altered"),
    ``source_type``, ``detector``, ``on_behalf_of``. ``production=True`` refuses the development identity. Raises a
    DiscloseError when *obj* cannot be marked in full.
    """
    chosen = _chosen(profile, production)
    asset = Asset.open(obj).with_inputs(Asset.open(one) for one in inputs)
    return chosen.marker().mark(asset, chosen.disclosure(**statement), sidecar=sidecar)


def verify(obj: object, profile: Profile | None = None) -> Verdict:
    """Return the verdict on *obj*: encoded bytes, a path, a PIL image, a uint8 array or an asset.

    Raises UnreadableError only when there is nothing to look at (missing, empty, a folder); all else is evidence.
    """
    return _chosen(profile).verifier().verify(Asset.open(obj))


def marked(
    profile: Profile | None = None, *, production: bool = False, **statement: Any
) -> Callable[[_Function], _Function]:
    """Return a decorator that marks every picture a function returns or yields.

    Works on functions, coroutines, generators and asynchronous generators. What leaves has the shape it came in:
    a picture or an array leaves as a :class:`~disclose.integrations.pil.MarkedImage`, bytes stay bytes, a path
    leads to a marked copy beside the original, and lists and tuples are marked item by item.
    """
    if callable(profile):
        raise TypeError("use the decorator with parentheses: @disclose.marked(system='…')")
    # A misspelt statement is refused where it is written, and not when the first picture is made.
    Disclosure.new(**{"system": "checked below", **statement})

    def finished(result: Any) -> Any:
        return _marked_result(result, _chosen(profile, production), statement)

    def decorate(function: _Function) -> _Function:
        kinds = (
            (inspect.isasyncgenfunction, _asynchronous_generator),
            (inspect.iscoroutinefunction, _coroutine),
            (inspect.isgeneratorfunction, _generator),
        )
        wrap = next((wrap for is_kind, wrap in kinds if is_kind(function)), _plain)
        return functools.wraps(function)(wrap(function, finished))  # type: ignore[return-value]

    return decorate


def _plain(function: _Anything, finished: _Anything) -> _Anything:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return finished(function(*args, **kwargs))

    return wrapper


def _generator(function: _Anything, finished: _Anything) -> _Anything:
    def wrapper(*args: Any, **kwargs: Any) -> Iterator[Any]:
        for item in function(*args, **kwargs):
            yield finished(item)

    return wrapper


def _coroutine(function: _Anything, finished: _Anything) -> _Anything:
    from anyio import to_thread

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        # Marking is a tenth of a second of computing; the event loop has other callers.
        return await to_thread.run_sync(finished, await function(*args, **kwargs))

    return wrapper


def _asynchronous_generator(function: _Anything, finished: _Anything) -> _Anything:
    from anyio import to_thread

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        async for item in function(*args, **kwargs):
            yield await to_thread.run_sync(finished, item)

    return wrapper


def _marked_result(result: Any, profile: Profile, statement: dict[str, Any]) -> Any:
    """Return *result* marked, in a shape that keeps its marks."""
    if result is None:
        return None
    if isinstance(result, (list, tuple)):
        items = [_marked_result(item, profile, statement) for item in result]
        return type(result)(items) if type(result) in (list, tuple) else type(result)(*items)
    marker = profile.marker()
    asset = marker.mark(Asset.open(result), profile.disclosure(**statement))
    if isinstance(result, Asset):
        return asset
    if isinstance(result, (bytes, bytearray, memoryview)):
        return asset.data
    if isinstance(result, (str, os.PathLike)):
        return type(result)(_saved_beside(Path(result), asset))  # type: ignore[call-arg]
    from disclose.integrations.pil import MarkedImage

    return MarkedImage.of(asset, marker.finish)


def _saved_beside(path: Path, asset: Asset) -> str:
    """Write the marked file beside the original, which is an input and stays as it is."""
    target = path.with_name(f"{path.stem}.disclosed{path.suffix}")
    if asset.upstream != asset.data:
        asset.save(target)
        return str(target)
    return str(path)


def _chosen(profile: Profile | None, production: bool = False) -> Profile:
    """Return *profile*, or the one the environment describes; for production where that is asked for."""
    if profile is None:
        from disclose.profile import default_profile

        profile = default_profile()
    return profile.for_production() if production else profile
