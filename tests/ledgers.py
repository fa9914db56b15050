"""What the tests of the ledger share: appending, and changing a database as somebody with a console would."""

import hashlib
import secrets

from disclose.asset import Mark
from disclose.disclosure import Disclosure

TABLES = ("certificates", "entries", "notice_events", "erasures", "places", "nodes", "checkpoints")


def append(ledger, *, likeness=None, sha256=None, certificate=None, **statement):
    disclosure = Disclosure.new(**{"system": "Studio", **statement})
    signer = {} if certificate is None else {"certificate": certificate}
    marks = (Mark(layer="c2pa", details={"alg": "es256", **signer}),)
    sha256 = sha256 or secrets.token_hex(32)
    return ledger.append(disclosure=disclosure, sha256=sha256, media_type="image/png", marks=marks, likeness=likeness)


def forge(ledger, *statements):
    """Change the database past the triggers."""
    with ledger.connection(writing=True) as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        for table in TABLES:
            if is_sqlite:
                for verb in ("update", "delete"):
                    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
            else:
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            literal = "X'{}'" if is_sqlite else "'\\x{}'::bytea"
            connection.exec_driver_sql(statement.replace("{ff}", literal.format("ff" * 32)))


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()
