"""References: a signer named by a profile as ``package.module:function``, for keys that live in a service."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from disclose.errors import DiscloseError, IdentityError


def resolve(reference: str) -> Any:
    """Return what the function named by *reference* returns; raises IdentityError with the reason."""
    module_name, colon, function_name = reference.partition(":")
    if not (colon and module_name and function_name):
        raise IdentityError(
            f"the signer reference {reference!r} is not of the form package.module:function,"
            " for example my_company.signing:signer"
        )
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and not (module_name + ".").startswith(error.name + "."):
            raise IdentityError(
                f"the signer reference {reference!r}: {module_name} needs {error.name}, which is not installed"
            ) from error
        raise IdentityError(
            f"the signer reference {reference!r}: there is no module {error.name}; install the package that holds it,"
            " or put its folder on PYTHONPATH"
        ) from error
    except Exception as error:
        raise IdentityError(f"the signer reference {reference!r}: importing {module_name} failed: {error!r}") from error
    for name in function_name.split("."):
        if not hasattr(found, name):
            raise IdentityError(f"the signer reference {reference!r}: {module_name} has no {function_name}")
        found = getattr(found, name)
    if not callable(found):
        raise IdentityError(
            f"the signer reference {reference!r} names {type(found).__name__}: name a function that returns a Signer"
        )
    try:
        return found()
    except DiscloseError:
        raise
    except Exception as error:
        raise IdentityError(f"the signer reference {reference!r}: calling it failed: {error!r}") from error
