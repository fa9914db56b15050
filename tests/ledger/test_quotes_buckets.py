"""The phrases of the quotation log: each found, and taken out, in both stores alike, however they are packed."""

import secrets
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest
from answers import answers, edited
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from sqlalchemy import create_engine, delete, event, insert, select

from disclose.disclosure import Identifier
from disclose.errors import LedgerError
from disclose.ledger import Ledger, migrations, phrases
from disclose.ledger.quotes import COMMON, QuoteLog
from disclose.ledger.tables import QUOTED_ANSWERS

KEY = b"a key of thirty-two bytes, say.."
QUESTIONS = [*answers()[:6], edited(answers()[2], 0.3), f"{answers()[50]} {answers()[3][100:400]}", "", "no such words"]
# Few that differ, so that they meet in buckets and look alike across the borders of postings.
_BYTES = some.sampled_from([0, 1, 255])
_HASHES = some.lists(_BYTES, min_size=6, max_size=6).map(lambda one: int.from_bytes(bytes(one), "big"))
_NUMBERS = some.sampled_from([1, 2, 256, 257, 65535, 65536, 65537, 131071, 16842753])
_HELD = some.dictionaries(_NUMBERS, some.sets(_HASHES, min_size=1, max_size=8), min_size=1)


@pytest.fixture
def buckets(postgresql, tmp_path):
    url = postgresql.database(f"test_{secrets.token_hex(6)}")
    with Ledger(url, key=tmp_path / "key.pem") as opened:
        yield opened


def write(connection, held):
    row = {"tenant": b"t" * 8, "identifier": b"i" * 16, "digest": b"d" * 16, "words": 1, "phrases": 1, "issued": 1}
    connection.execute(insert(QUOTED_ANSWERS), [{"number": number, **row} for number in held])
    phrases.add(connection, held)


def turned(held):
    found = defaultdict(list)
    for number, hashes in held.items():
        for one in hashes:
            found[one].append(number)
    return {one: sorted(numbers) for one, numbers in found.items()}


def read(connection, hashes):
    return {one: sorted(numbers) for one, numbers in phrases.holders(connection, list(hashes))[0].items()}


@pytest.mark.parametrize("few", [0, 16])
# To look for a smaller example that fails would take minutes, for each asks a server.
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(held=_HELD, drawn=some.data())
def test_what_was_added_is_held_and_what_was_removed_is_not(few, ledger, monkeypatch, held, drawn):
    monkeypatch.setattr(phrases, "_FEW", few)
    doomed = drawn.draw(some.sets(some.sampled_from(sorted(held))))
    asked = set.union(*held.values()) | drawn.draw(some.sets(_HASHES))
    with ledger.connection(writing=True) as connection:
        phrases.remove(connection, select(QUOTED_ANSWERS.c.number))
        connection.execute(delete(QUOTED_ANSWERS))
        write(connection, held)
        assert read(connection, asked) == turned(held)
        phrases.remove(connection, select(QUOTED_ANSWERS.c.number).where(QUOTED_ANSWERS.c.number.in_(doomed)))
        left = {number: hashes for number, hashes in held.items() if number not in doomed}
        assert read(connection, asked) == turned(left)
        rows = phrases.pairs(connection)
        kept = {tuple(row) for row in connection.execute(select(rows.c.answer, rows.c.hash))}
        assert kept == {(number, one) for number, hashes in left.items() for one in hashes}


def test_both_stores_find_the_same(buckets, tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as rows:
        logs = [QuoteLog(ledger, KEY) for ledger in (rows, buckets)]
        for log in logs:
            log.add_all((text, Identifier(value=number)) for number, text in enumerate(answers()[:40]))
            log.add(answers()[0], Identifier(value=99))
        found = [[[one.__dict__ | {"issued": 0} for one in log.find(text)] for text in QUESTIONS] for log in logs]
    assert found[0] == found[1]
    assert sum(map(len, found[0])) >= 8


def test_answers_noted_at_once_are_noted_as_one_after_the_other(ledger, tmp_path):
    ending = " ".join(answers()[60].split()[:60])
    noted = [f"{text}\n\n{ending}" for text in answers()[: COMMON + 4]] + answers()[20:23] + [answers()[21]]
    with Ledger(tmp_path / "alone" / "ledger.sqlite") as alone:
        stored = [QuoteLog(alone, KEY).add(text, Identifier(value=1)) for text in noted]
        assert QuoteLog(ledger, KEY).add_all((text, Identifier(value=1)) for text in noted) == stored
        held = []
        for one in (alone, ledger):
            with one.connection() as connection:
                rows = phrases.pairs(connection)
                held.append({tuple(row) for row in connection.execute(select(rows.c.hash, rows.c.answer))})
    assert held[0] == held[1]
    assert stored[-1] == 0


def test_what_an_earlier_version_wrote_is_packed_and_found(postgresql, tmp_path):
    name = f"test_{secrets.token_hex(6)}"
    url = postgresql.database(name)
    with Ledger(tmp_path / "ledger.sqlite") as rows:
        QuoteLog(rows, KEY).add_all((text, Identifier(value=number)) for number, text in enumerate(answers()[:9]))
        with rows.connection() as connection:
            kept = connection.exec_driver_sql("SELECT * FROM quoted_answers").mappings().all()
            held = connection.exec_driver_sql("SELECT hash, answer FROM quoted_phrases").mappings().all()
    engine = create_engine(f"postgresql+pg8000://disclose@/{name}?unix_sock={postgresql.folder}/.s.PGSQL.5432")
    with engine.begin() as connection:
        migrations.upgrade(connection, stamped=True, revision="0005")
        connection.execute(insert(QUOTED_ANSWERS), [dict(row) for row in kept])
        for row in held:
            connection.exec_driver_sql("INSERT INTO quoted_phrases VALUES (%s, %s)", tuple(row.values()))
    engine.dispose()
    with Ledger(url, key=tmp_path / "key.pem") as ledger:
        log = QuoteLog(ledger, KEY)
        assert log.find(answers()[5])[0].is_exact
        assert log.find(edited(answers()[7], 0.2))[0].identifier.value == 7
        with ledger.connection() as connection:
            rows = phrases.pairs(connection)
            packed = {tuple(row) for row in connection.execute(select(rows.c.hash, rows.c.answer))}
        assert packed == {(row["hash"], row["answer"]) for row in held}


def test_answers_given_at_once_by_several_are_all_there(buckets):
    def add(number):
        QuoteLog(buckets, KEY).add(answers()[number], Identifier(value=number))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(12)))
    log = QuoteLog(buckets, KEY)
    assert [log.find(answers()[number])[0].identifier.value for number in range(12)] == list(range(12))


def test_of_answers_that_cannot_all_be_written_none_is(buckets):
    log = QuoteLog(buckets, KEY)

    def twice():
        with buckets.connection(writing=True) as connection:
            write(connection, {1: {5}})
            write(connection, {1: {6}})

    with pytest.raises(LedgerError):
        twice()
    with buckets.connection() as connection:
        assert not read(connection, {5, 6})
    assert log.add(answers()[0], Identifier(value=1)) > 12


def test_a_span_of_which_nothing_is_left_takes_no_room(buckets):
    log = QuoteLog(buckets, KEY)
    log.add_all((text, Identifier(value=number)) for number, text in enumerate(answers()[:20]))
    assert log.delete_all() == 20
    with buckets.connection() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM quoted_buckets").scalar_one() == 0


def test_to_look_for_a_text_takes_two_statements_of_one_round_trip(buckets):
    log = QuoteLog(buckets, KEY)
    log.add_all((text, Identifier(value=number)) for number, text in enumerate(answers()[:20]))
    assert log.find(edited(answers()[3], 0.2))
    asked = []
    with buckets.connection() as connection:
        engine = connection.engine

    def note(_connection, _cursor, statement, parameters, *_):
        asked.append(parameters)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert log.find(edited(answers()[3], 0.2))[0].identifier.value == 3
    finally:
        event.remove(engine, "before_cursor_execute", note)
    # With parameters, pg8000 waits for three answers.
    assert [len(one) for one in asked] == [0, 0]
