import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from ledgers import append
from sqlalchemy import MetaData, create_engine, inspect

from disclose.disclosure import Identifier
from disclose.errors import LedgerError
from disclose.ledger import Ledger, migrations
from disclose.ledger.checkpoint import VerifierKey
from disclose.ledger.notices import NoticeLog
from disclose.ledger.quotes import QuoteLog
from disclose.ledger.tables import REVISION

OLD = Path(__file__).parent.parent / "fixtures" / "ledger"
WRITTEN = json.loads((OLD / "0.1.0.json").read_text())


@pytest.fixture
def path(tmp_path):
    return Path(shutil.copy(OLD / "0.1.0.sqlite", tmp_path / "ledger.sqlite"))


def change(path, *statements):
    connection = sqlite3.connect(path)
    for table in ("entries", "notice_events"):
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER {table}_no_{verb}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def said(record):
    return {name: value for name, value in record.items() if name not in ("previous", "hash")}


def test_what_version_0_1_0_wrote_is_all_there_and_verifies(path):
    with Ledger(path) as ledger:
        assert [said(record.to_dict()) for record in ledger.records()] == [said(old) for old in WRITTEN["records"]]
        check = ledger.verify()
        assert (check.reason, check.entries) == (None, 5)
        notices = NoticeLog(ledger)
        assert [event.recorded for event in notices.of_session("ab" * 32)] == WRITTEN["notices"]
        assert (notices.verify().reason, notices.verify().entries) == (None, 5)


def test_a_migrated_ledger_is_searched_and_goes_on(path):
    with Ledger(path) as ledger:
        assert ledger.find(Identifier(value=3 << 100 | 7))[0].sequence == 4
        assert ledger.find_content("02" * 32).sequence == 3
        assert ledger.nearest(b"\x04" * 32).distance == 0
        assert append(ledger).sequence == 6
    with Ledger(path) as ledger:
        assert (ledger.verify().reason, len(ledger)) == (None, 6)


def test_a_quotation_log_from_before_its_migration_keeps_what_it_holds(tmp_path):
    answer = " ".join(f"word{number}" for number in range(80))
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        QuoteLog(ledger, b"k" * 32).add(answer, Identifier(value=7))
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        # Later than that.
        connection.execute("DROP TABLE certificates")
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    connection.close()
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert QuoteLog(ledger, b"k" * 32).find(answer)[0].identifier == Identifier(value=7)


FORGERIES = {
    "a changed body": ("UPDATE entries SET body = replace(body, 'Stúdio', 'Stadio') WHERE sequence = 2", 2),
    "a deleted entry": ("DELETE FROM entries WHERE sequence = 2", 3),
    "a changed index": ("UPDATE entries SET sha256 = previous WHERE sequence = 3", 3),
    "a changed hash": ("UPDATE entries SET hash = previous WHERE sequence = 1", 1),
    "a moved entry": ("UPDATE entries SET sequence = 9 WHERE sequence = 1", 2),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_was_tampered_with_before_stays_found_out(forgery, path):
    statement, place = FORGERIES[forgery]
    change(path, statement)
    with Ledger(path) as ledger:
        assert ledger.verify().broken_at == place


def test_a_file_that_cannot_be_migrated_stays_as_it_was(path):
    change(path, "UPDATE entries SET body = '{}' WHERE sequence = 4")
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="nothing was changed"):
        Ledger(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM entries WHERE previous != ''").fetchone() == (5,)
    connection.close()
    assert before[100:] == path.read_bytes()[100:]


@pytest.fixture
def engine(place, tmp_path, request):
    """Leads to an empty database of each kind, and tells where a ledger finds it."""
    if place["location"] == tmp_path / "ledger.sqlite":
        made = create_engine(f"sqlite:///{place['location']}")
    else:
        folder = request.getfixturevalue("postgresql").folder
        name = place["location"].partition("@/")[2].partition("?")[0]
        made = create_engine(f"postgresql+pg8000://disclose@/{name}?unix_sock={folder}/.s.PGSQL.5432")
    yield made
    made.dispose()


@pytest.fixture
def of_0004(engine, place):
    """What schema 0004 held: copied as it is where it can be, and row by row into PostgreSQL."""
    known = Ed25519PrivateKey.from_private_bytes(bytes(32))
    place["key"].write_bytes(known.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    place["key"].chmod(0o600)
    if engine.dialect.name == "sqlite":
        shutil.copy(OLD / "0004.sqlite", place["location"])
        return place
    source = create_engine(f"sqlite:///{OLD / '0004.sqlite'}")
    with engine.begin() as connection, source.connect() as read:
        migrations.upgrade(connection, stamped=False, revision="0004")
        written = MetaData()
        written.reflect(connection)
        for table in ("entries", "erasures", "nodes", "checkpoints"):
            for row in read.execute(written.tables[table].select()).mappings():
                connection.execute(written.tables[table].insert(), [dict(row)])
        connection.exec_driver_sql("SELECT setval('entries_number_seq', 4)")
    source.dispose()
    return place


def test_a_ledger_of_the_schema_before_certificates_opens_whole_and_goes_on(of_0004, engine):
    written = json.loads((OLD / "0004.json").read_text())
    with Ledger(**of_0004) as ledger:
        assert [record.to_dict() for record in ledger.records()] == written["records"]
        assert ledger.checkpoint() == written["checkpoint"]
        assert ledger.verify().reason is None
        assert len(ledger.erased(Identifier(value=2 << 100 | 7))) == 1
        proof = ledger.prove(Identifier(value=7))[0]
        assert proof.checked(VerifierKey.parse(ledger.verifier_key)).size == 4
        added = append(ledger, certificate="ab" * 32)
        assert added.sequence == 5
        assert ledger.find(added.disclosure.id) == [added]
        assert (ledger.verify().reason, len(ledger)) == (None, 5)
        assert ledger.extends(written["checkpoint"])
    with engine.connect() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM entries ORDER BY number").scalars().all()
    assert [body and bytes(body)[:1] for body in bodies] == [b"\x02", b"\x01", None, b"\x01", b"\x04"]


def shape(connection):
    if connection.dialect.name == "sqlite":
        # SQLAlchemy does not read indexes over expressions from SQLite; SQLite knows how they were made.
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'").all()
        return {name: sql and sorted(part.strip(" ,") for part in sql.split("\n")) for name, sql in rows}
    found = inspect(connection)
    return {
        table: (
            sorted((one["name"], str(one["type"]), one["nullable"]) for one in found.get_columns(table)),
            sorted(
                (str(one["name"]), str(one["column_names"]), str(one.get("expressions")))
                for one in found.get_indexes(table)
            ),
            found.get_pk_constraint(table)["constrained_columns"],
        )
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def test_the_migrations_lead_to_the_tables_that_are_created_anew(place, tmp_path, request):
    with Ledger(**place) as ledger, ledger.connection() as connection:
        created = shape(connection)
    if connection.dialect.name == "sqlite":
        url = f"sqlite:///{tmp_path / 'migrated.sqlite'}"
    else:
        server = request.getfixturevalue("postgresql")
        server.database(tmp_path.name)
        url = f"postgresql+pg8000://disclose@/{tmp_path.name}?unix_sock={server.folder}/.s.PGSQL.5432"
    engine = create_engine(url)
    with engine.begin() as connection:
        migrations.upgrade(connection, stamped=True)
        assert shape(connection) == created
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == REVISION
    engine.dispose()
