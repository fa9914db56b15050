"""The quotation log: it finds what was issued again, edited or in parts, and holds none of the words."""

import sqlite3
import unicodedata
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import pytest
from answers import answers, edited
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import insert

from disclose.disclosure import Identifier
from disclose.ledger import Ledger, phrases
from disclose.ledger.quotes import COMMON, QuoteLog, _wording
from disclose.ledger.tables import QUOTED_ANSWERS
from disclose.ledger.tenants import TenantKeys
from disclose.media import text

KEY = b"a key of thirty-two bytes, say.."
LIMIT = 3e-4
# On a busy machine the first draw, for which Hypothesis lists all characters, is slow; one log serves all examples.
PATIENT = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
JAPANESE = (
    "東京は日本の首都であり、世界でも有数の人口を抱える大都市です。江戸時代には徳川幕府の本拠地として栄え、"
    "明治維新の後に現在の名前へと改められました。今日では経済と文化の中心として、多くの人々が働き、学び、"
    "訪れる街となっています。春には桜が咲き、川沿いの道を歩く人の姿が絶えません。"
)


@pytest.fixture
def file(tmp_path):
    with Ledger(tmp_path / "quotes.sqlite") as opened:
        yield opened


@pytest.fixture
def log(file):
    return QuoteLog(file, KEY)


@pytest.fixture
def filled(log):
    identifiers = [Identifier(value=number) for number in range(len(answers()[:80]))]
    log.add_all(zip(answers()[:80], identifiers, strict=True))
    return log


def matches(log, question):
    return [one for one in log.find(question) if one.is_exact or one.p_value <= LIMIT]


def test_an_answer_with_three_words_in_ten_replaced_is_found(filled):
    found = [matches(filled, edited(answers()[number])) for number in range(40)]
    hits = sum(bool(one) and one[0].identifier.value == number for number, one in enumerate(found))
    assert hits >= 38


def test_a_quotation_is_found_and_where_it_stands(filled):
    words = answers()[7].split(" ")
    quotation = " ".join(words[10:50])
    before, after = answers()[100] + "\n\n", "\n\n" + answers()[101]
    found = matches(filled, before + quotation + after)
    assert [one.identifier.value for one in found] == [7]
    (passage,) = found[0].passages
    assert len(before) <= passage.start < passage.end <= len(before) + len(quotation)
    assert passage.end - passage.start > 0.6 * len(quotation)
    assert 0.05 < found[0].share < 0.5


def test_texts_that_have_nothing_to_do_with_the_log_are_not_found(filled):
    assert not [text for text in answers()[90:] if matches(filled, text)]


@pytest.mark.parametrize("number", range(8))
def test_tables_of_signs_in_two_languages_are_not_each_others_quotations(file, number):
    def table(kind, *, of="koi8_r"):
        signs = bytes(range(0xC0, 0xDB)).decode(of)
        names = [unicodedata.name(sign).split()[-1] for sign in signs]
        return " ".join(
            f"{number:o} {number} {number:X} {sign} {kind} {name}"
            for number, (sign, name) in enumerate(zip(signs, names, strict=True), 0xC0)
        )

    # Which phrases of a text the log holds depends on its key.
    log = QuoteLog(file, bytes([number]) * 32)
    log.add(table("LETRA MINÚSCULA CIRÍLICA"), Identifier(value=1000))
    assert not matches(log, table("CYRILLIC SMALL LETTER"))
    assert matches(log, table("LETRA MINÚSCULA CIRÍLICA"))[0].is_exact


def test_what_was_hashed_as_before_is_found_and_forgotten_too(ledger):
    def before(digest_size, person, value):
        return blake2b(value, key=KEY, digest_size=digest_size, person=person).digest()

    tenant = before(8, b"disclose-tenant", b"tenant")
    with ledger.connection(writing=True) as connection:
        for number, answer in enumerate(answers()[:12], 1):
            words = [one.folded for one in text.words(answer)]
            digest = before(16, b"disclose-exact", " ".join(words).encode())
            three = ("\n".join(words[start : start + 3]).encode() for start in range(len(words) - 2))
            hashes = {int.from_bytes(before(6, b"disclose-phrase", one), "big") for one in three}
            row = {"number": number, "tenant": tenant, "identifier": number.to_bytes(16, "big"), "digest": digest}
            row |= {"words": len(words), "phrases": len(hashes), "issued": 1}
            connection.execute(insert(QUOTED_ANSWERS), [row])
            phrases.add(connection, {number: {*hashes, -1 - int.from_bytes(digest[:6], "big")}})
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT setval('quoted_answers_number_seq', 12)")
    log = QuoteLog(ledger, KEY)
    assert log.add(answers()[20], Identifier(value=99)) > 12
    assert matches(log, edited(answers()[4], 0.2))[0].identifier.value == 5
    assert matches(log, edited(answers()[20], 0.2))[0].identifier.value == 99
    assert log.find(answers()[5])[0].is_exact
    assert (len(log), log.delete(Identifier(value=5)), log.delete_all(), len(log)) == (13, 1, 12, 0)


def test_the_very_wording_is_known_whatever_its_case_and_spacing(filled):
    found = filled.find("  " + answers()[3].upper().replace(" ", "\n"))
    assert found[0].is_exact
    assert found[0].share == 1
    assert found[0].identifier.value == 3


def test_a_text_without_spaces_between_words_is_found_too(log):
    identifier = Identifier.new()
    log.add(JAPANESE, identifier)
    (found,) = matches(log, JAPANESE[50:110])
    assert found.identifier == identifier


def test_what_many_answers_end_with_leads_to_none_of_them(log):
    boilerplate = (
        "Please note that this answer was made without knowledge of your circumstances and cannot replace the advice"
        " of a lawyer who is admitted where you live, and that laws change from one day to the next."
    )
    log.add_all((f"{text}\n\n{boilerplate}", Identifier.new()) for text in answers()[: 3 * COMMON])
    assert not matches(log, boilerplate)
    assert not matches(log, answers()[-1] + "\n\n" + boilerplate)


def test_an_answer_given_twice_takes_its_place_once(log):
    first = log.add(answers()[0], Identifier(value=1))
    assert first > 12
    assert log.add(answers()[0], Identifier(value=2)) == 0
    found = log.find(answers()[0])
    assert {one.identifier.value for one in found if one.is_exact} == {1, 2}


def test_another_tenant_finds_nothing(file, filled):
    assert not QuoteLog(file, bytes(reversed(KEY))).find(answers()[0])


def test_no_word_of_an_answer_is_in_the_file_and_no_phrase_of_a_deleted_one(tmp_path):
    with Ledger(tmp_path / "quotes" / "ledger.sqlite") as ledger:
        log = QuoteLog(ledger, KEY)
        log.add_all((text, Identifier(value=number)) for number, text in enumerate(answers()[:20]))
        assert log.delete(Identifier(value=0)) == 1
    stored = b"".join(path.read_bytes() for path in (tmp_path / "quotes").iterdir())
    words = {word for text in answers()[:20] for word in text.split() if len(word) > 10 and word.isalpha()}
    assert words
    assert not [word for word in words if word.encode() in stored]
    with closing(sqlite3.connect(tmp_path / "quotes" / "ledger.sqlite")) as connection:
        (left,) = connection.execute("SELECT count(*) FROM quoted_phrases WHERE answer = 1").fetchone()
    assert left == 0


def test_a_deleted_answer_is_not_found(log):
    log.add(answers()[0], Identifier(value=1))
    log.add(answers()[1], Identifier(value=2))
    assert log.delete(Identifier(value=1)) == 1
    assert not log.find(answers()[0])
    assert matches(log, answers()[1])


def test_retention_ends(log):
    long_ago = datetime.now(UTC) - timedelta(days=90)
    log.add(answers()[0], Identifier(value=1), issued=long_ago)
    log.add(answers()[1], Identifier(value=2))
    assert log.delete_before(datetime.now(UTC) - timedelta(days=30)) == 1
    assert len(log) == 1
    with pytest.raises(ValueError, match="time zone"):
        log.delete_before(datetime(2026, 1, 1))  # noqa: DTZ001


def test_one_tenant_deletes_its_own_answers_only(file, log):
    other = QuoteLog(file, bytes(reversed(KEY)))
    log.add(answers()[0], Identifier(value=1))
    other.add(answers()[0], Identifier(value=2))
    assert log.delete_all() == 1
    assert len(other) == 1
    assert other.find(answers()[0])[0].is_exact


def test_short_texts_are_too_short_and_nothing_else(log):
    log.add(answers()[0], Identifier(value=1))
    assert log.too_short("Yes, that is so.")
    assert not log.too_short(answers()[1])


@pytest.mark.parametrize("text", ["", " \n", "\ud800", "👩‍👩‍👧‍👦" * 50, "\u202eabc\u202c", "e" + "\u0301" * 5000])
def test_odd_texts_are_taken_as_they_are(text, log):
    log.add(text, Identifier(value=1))
    assert all(one.is_exact for one in log.find(text))


@settings(max_examples=50, deadline=None, suppress_health_check=PATIENT)
@given(some.text(max_size=200))
def test_whatever_was_added_is_found_by_its_wording(log, text):
    log.delete_all()
    log.add(text, Identifier(value=9))
    assert [one.identifier.value for one in log.find(text) if one.is_exact] == [9]


def test_every_store_finds_quotations_and_forgets(ledger):
    log = QuoteLog(ledger, KEY)
    log.add_all((text, Identifier(value=number)) for number, text in enumerate(answers()[:20]))
    assert [one.identifier.value for one in matches(log, edited(answers()[4], 0.2))] == [4]
    assert log.find(answers()[5])[0].is_exact
    assert log.delete(Identifier(value=4)) == 1
    assert not matches(log, answers()[4])
    assert len(log) == 19


def test_of_a_wording_that_was_issued_any_number_of_times_the_first_few_are_read(ledger):
    log, times = QuoteLog(ledger, KEY), 3 * phrases.MOST_ALIKE
    for number in range(times):
        log.add(answers()[0], Identifier(value=number))
    wording = log.add_all([(answers()[1], Identifier(value=times)), (answers()[0], Identifier(value=times + 1))])
    assert [one > 0 for one in wording] == [True, False]
    found = log.find(answers()[0])
    assert [one.identifier.value for one in found if one.is_exact] == list(range(phrases.MOST_ALIKE))
    with ledger.connection() as connection:
        entry = connection.exec_driver_sql("SELECT digest FROM quoted_answers LIMIT 1").scalar_one()
        held = phrases.holders(connection, [], [_wording(bytes(entry))])[1]
    assert [len(numbers) for numbers in held.values()] == [phrases.MOST_ALIKE]
    assert log.delete(Identifier(value=3)) == 1
    assert [one.identifier.value for one in log.find(answers()[0])][:4] == [0, 1, 2, 4]


def test_a_key_that_is_none_is_refused(file):
    with pytest.raises(ValueError, match="16 to 64"):
        QuoteLog(file, b"short")


def test_each_tenant_has_a_key_that_only_its_owner_reads_and_that_can_be_forgotten(tmp_path):
    keys = TenantKeys(tmp_path / "keys")
    assert keys.key("one") == keys.key("one") != keys.key("other")
    assert {path.stat().st_mode & 0o777 for path in keys.folder.iterdir()} == {0o600}
    assert not [path for path in keys.folder.iterdir() if "one" in path.name]
    before = keys.key("one")
    assert keys.forget("one")
    assert not keys.forget("one")
    assert keys.key("one") != before
