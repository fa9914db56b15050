"""The first eight bytes of a column: enough to find an identifier or a hash by, and a smaller index than the whole."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Dialect, LargeBinary
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

LENGTH = 8


class _Leading(TypeDecorator[bytes]):
    """Eight bytes: as they are in SQLite, and as a signed number in PostgreSQL."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type by which the database compares them."""
        return dialect.type_descriptor(LargeBinary() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> Any:
        """Return *value* as the database compares it."""
        return value if value is None or dialect.name == "sqlite" else int.from_bytes(value, signed=True)


class leading(FunctionElement[bytes]):  # noqa: N801
    """The first eight bytes of a column of bytes, to be compared with eight bytes.

    In PostgreSQL an index over them takes 26 bytes a row as a number, 43 as bytes, and 52 over a whole identifier.
    There two that do not begin with the same bit are not in the order of their bytes.
    """

    type = _Leading()
    inherit_cache = True


@compiles(leading)
def _as_bytes(element: leading, compiler: Any, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, {LENGTH})"


@compiles(leading, "postgresql")
def _as_number(element: leading, compiler: Any, **options: Any) -> str:
    return f"CAST(CAST('x' || encode({_as_bytes(element, compiler, **options)}, 'hex') AS bit(64)) AS bigint)"
