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
from disclose.ledger.export import exported, imported
from disclose.ledger.manifests import Manifests
from disclose.ledger.notices import NoticeLog
from disclose.ledger.quotes import QuoteLog
from disclose.ledger.tables import QUOTED_ANSWERS, QUOTED_PHRASES, REVISION, LogName

OLD = Path(__file__).parent.parent / "fixtures" / "ledger"
QUOTED = (QUOTED_ANSWERS, QUOTED_PHRASES)
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
    with Ledger(tmp_path / "new.sqlite") as ledger:
        QuoteLog(ledger, b"k" * 32).add(answer, Identifier(value=7))
        with ledger.connection() as connection:
            held = {table: connection.execute(table.select()).mappings().all() for table in QUOTED}
    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with engine.begin() as connection:
        migrations.upgrade(connection, stamped=False, revision="0002")
        for table, rows in held.items():
            table.create(connection)
            connection.execute(table.insert(), [dict(row) for row in rows])
    engine.dispose()
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


def written_at(revision, tables, place, engine):
    """Put what a ledger of schema *revision* held at *place*: as it is where it can be, and row by row elsewhere."""
    known = Ed25519PrivateKey.from_private_bytes(bytes(32))
    place["key"].write_bytes(known.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    place["key"].chmod(0o600)
    if engine.dialect.name == "sqlite":
        shutil.copy(OLD / f"{revision}.sqlite", place["location"])
        return place
    source = create_engine(f"sqlite:///{OLD / f'{revision}.sqlite'}")
    with engine.begin() as connection, source.connect() as read:
        migrations.upgrade(connection, stamped=False, revision=revision)
        written = MetaData()
        written.reflect(connection)
        for table in tables:
            rows = read.execute(written.tables[table].select()).mappings().all()
            connection.execute(written.tables[table].insert(), [dict(row) for row in rows])
    source.dispose()
    return place


@pytest.fixture
def of_0004(engine, place):
    return written_at("0004", ("entries", "erasures", "nodes", "checkpoints"), place, engine)


@pytest.fixture
def of_0006(engine, place):
    tables = ("certificates", "entries", "erasures", "notice_events", "nodes", "pending", "checkpoints")
    return written_at("0006", (*tables, "manifest_stores"), place, engine)


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


# As two processes on PostgreSQL left them: one was late, one gave up, and one got its number before others were placed.
RENUMBERED = {50: 51, 51: 50, 200: 265, 261: 271, 262: 272, 263: 273}


def renumbered(engine):
    """Give entries of schema 0006 other numbers, and leave them where they stand in the tree."""
    columns = (("entries", "number"), ("nodes", "entry"), ("pending", "entry"), ("manifest_stores", "entry"))
    with engine.begin() as connection:
        unguarded(connection, ("entries", "nodes"))
        for table, column in columns:
            where = "AND log = 0" if table in ("nodes", "pending") else ""
            # Through numbers that none has, for no two may have the same one meanwhile.
            for sign, moved in ((-1, RENUMBERED), (1, {-new: new for new in RENUMBERED.values()})):
                for number, other in moved.items():
                    connection.exec_driver_sql(
                        f"UPDATE {table} SET {column} = {sign * other} WHERE {column} = {number} {where}"  # noqa: S608
                    )


def unguarded(connection, tables):
    for table in tables:
        if connection.dialect.name == "sqlite":
            for verb in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER {table}_no_{verb}")
        else:
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")


@pytest.mark.parametrize("numbers", ["as they came", "out of order"])
def test_a_ledger_of_the_schema_before_leaves_keeps_every_place_and_goes_on(numbers, of_0006, engine, tmp_path):
    written = json.loads((OLD / "0006.json").read_text())
    moved = {} if numbers == "as they came" else RENUMBERED
    if moved:
        renumbered(engine)
    expected = {moved.get(int(number), int(number)): leaf for number, leaf in written["hashes"].items()}
    with Ledger(**of_0006) as ledger:
        assert {record.sequence: record.hash for record in ledger.records()} == expected
        check = ledger.verify()
        assert (check.reason, check.entries, len(ledger)) == (None, 263, 263)
        assert ledger.extends(written["checkpoint"])
        placed = [one.row.leaf.hex() for one in ledger.log(LogName.RECORDS).rows()]
        assert [leaf for leaf in placed if leaf in expected.values()] == list(written["hashes"].values())
        trusted = VerifierKey.parse(ledger.verifier_key)
        for value in (0, 2, 49, 50, 199, 259, 260, 262):
            (proof,) = ledger.prove(Identifier(value=value << 100 | 7))
            assert (proof.checked(trusted).size, proof.leaf.position) == (263, value)
        assert NoticeLog(ledger).verify().entries == 1
        assert Manifests(ledger).find("urn:uuid:kept").disclosure.id == Identifier(value=5 << 100 | 7)
        assert ledger.nearest(bytes([100]) * 32).record.sequence == 101
        assert append(ledger).sequence == max(expected) + 1
        assert (ledger.verify().reason, len(ledger)) == (None, 264)
        with Ledger(tmp_path / "copy.sqlite", key=of_0006["key"]) as copy:
            imported(copy, exported(ledger), trusted)
            assert copy.records() == ledger.records()
            assert (copy.verify().reason, copy.verify().head) == (None, ledger.verify().head)
            assert append(copy).sequence == max(expected) + 2
            assert copy.verify().is_intact


TAMPERED = {
    "a deleted entry": ("DELETE FROM entries WHERE number = 5", 5),
    "a changed leaf": ("UPDATE nodes SET hash = {ff} WHERE log = 0 AND level = 0 AND position = 3", 4),
    "a deleted leaf": ("DELETE FROM nodes WHERE log = 0 AND level = 0 AND position = 3", 4),
    "the last leaf deleted": ("DELETE FROM pending WHERE entry = 263", 263),
    "an entry slipped in": (
        "INSERT INTO entries SELECT 270, identifier, sha256, likeness, recorded, body, chain FROM entries"
        " WHERE number = 1",
        270,
    ),
    "the last entry deleted": ("DELETE FROM entries WHERE number = 263", 263),
    "a node above": ("UPDATE nodes SET hash = {ff} WHERE log = 0 AND level = 8", None),
}


@pytest.mark.parametrize("forgery", TAMPERED)
def test_what_was_tampered_with_before_leaves_moved_stays_found_out(forgery, of_0006, engine):
    statement, number = TAMPERED[forgery]
    with engine.begin() as connection:
        unguarded(connection, ("entries", "nodes"))
        literal = "X'{}'" if connection.dialect.name == "sqlite" else "'\\x{}'::bytea"
        connection.exec_driver_sql(statement.replace("{ff}", literal.format("ff" * 32)))
    with Ledger(**of_0006) as ledger:
        check = ledger.verify()
        assert (check.is_intact, check.broken_at) == (False, number)
        append(ledger)
        check = ledger.verify()
        assert (check.is_intact, check.broken_at) == (False, number)


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
