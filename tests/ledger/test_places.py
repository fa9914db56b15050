"""Entries stand in a tree in the order they came in, whatever numbers an earlier version gave them."""

from hypothesis import given
from hypothesis import strategies as st

from disclose.ledger.places import Places, starts

NUMBERS = st.lists(st.integers(1, 60), unique=True, max_size=40)


@given(numbers=NUMBERS)
def test_every_entry_has_the_place_it_came_to_and_no_other_has_one(numbers):
    places = Places(list(starts(numbers)))
    assert places.size(max(numbers, default=0)) == len(numbers)
    assert [places.position(number) for number in numbers] == list(range(len(numbers)))
    strangers = set(range(-2, max(numbers, default=0) + 1)) - set(numbers)
    assert {places.position(number) for number in strangers} <= {None}


@given(numbers=NUMBERS, more=st.integers(0, 5))
def test_what_is_appended_stands_behind_all_that_was_there(numbers, more):
    places = Places(list(starts(numbers)))
    following = max(max(numbers, default=0), places.open[1] - 1) + 1
    later = list(range(following, following + more))
    assert [places.position(number) for number in later] == list(range(len(numbers), len(numbers) + more))
    assert places.size(following + more - 1) == len(numbers) + more


@given(numbers=NUMBERS, data=st.data())
def test_any_stretch_of_places_is_told_by_runs_of_numbers(numbers, data):
    places = Places(list(starts(numbers)))
    first = data.draw(st.integers(0, len(numbers)))
    stop = data.draw(st.integers(first, len(numbers)))
    runs = list(places.runs(first, stop))
    told = [number + at for _, number, count in runs for at in range(count)]
    assert told == numbers[first:stop]
    assert [position for position, _, _ in runs] == [numbers.index(number) for _, number, _ in runs]


def test_numbers_without_gaps_need_no_start():
    assert list(starts(range(1, 1000))) == []
    assert list(starts([])) == []
