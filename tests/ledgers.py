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


def box(kind, *contents):
    body = b"".join(contents)
    return (8 + len(body)).to_bytes(4) + kind + body


def described(uuid, label):
    return box(b"jumd", uuid.ljust(16, b"\0"), b"\3", label, b"\0")


def a_store(*labels):
    """Return a manifest store as small as one can be: boxes and labels, and nothing in them."""
    manifests = [box(b"jumb", described(b"c2ma", label.encode())) for label in labels]
    return box(b"jumb", described(b"c2pa", b"c2pa"), *manifests)
