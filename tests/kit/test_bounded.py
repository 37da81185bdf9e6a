"""A bounded store against a model of it, and what it is bounded by."""

from hypothesis import given
from hypothesis import strategies as st

from app.kit.bounded import Bounded

KEYS = st.integers(min_value=0, max_value=5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("get"), KEYS),
        st.tuples(st.just("put"), KEYS, st.integers(), st.integers(min_value=0, max_value=12)),
    ),
    max_size=40,
)


class Model:
    """The same, as plainly as it can be said: a list from the first to go to the last."""

    def __init__(self, most: int, most_weight: int) -> None:
        self.most, self.most_weight = most, most_weight
        self.held: list[tuple[int, int, int]] = []

    def get(self, key: int) -> int | None:
        for entry in self.held:
            if entry[0] == key:
                self.held.remove(entry)
                self.held.append(entry)
                return entry[1]
        return None

    def put(self, key: int, value: int, weight: int) -> None:
        self.held = [entry for entry in self.held if entry[0] != key]
        if weight <= self.most_weight:
            self.held.append((key, value, weight))
        while len(self.held) > self.most or sum(entry[2] for entry in self.held) > self.most_weight:
            self.held.pop(0)


@given(st.integers(min_value=0, max_value=4), st.integers(min_value=0, max_value=20), STEPS)
def test_it_is_as_its_model(most: int, most_weight: int, steps: list[tuple[str, int, int, int]]) -> None:
    store: Bounded[int, int] = Bounded(most=most, most_weight=most_weight)
    model = Model(most, most_weight)

    for what, key, *put in steps:
        if what == "get":
            assert store.get(key) == model.get(key)
        else:
            value, weight = put
            store.put(key, value, weight=weight)
            model.put(key, value, weight)

        assert list(store) == [entry[0] for entry in model.held]
        assert store.weight == sum(entry[2] for entry in model.held)
        assert len(store) == len(model.held)


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    store: Bounded[str, int] = Bounded(most=2, most_weight=10)
    store.put("a", 1)
    store.put("b", 2)

    store.get("a")
    store.put("c", 3)

    assert list(store) == ["a", "c"]


def test_to_look_whether_a_value_is_held_does_not_keep_it() -> None:
    store: Bounded[str, int] = Bounded(most=2, most_weight=10)
    store.put("a", 1)
    store.put("b", 2)

    assert "a" in store
    store.put("c", 3)

    assert list(store) == ["b", "c"]


def test_what_is_too_heavy_drives_out_nothing_but_its_forerunner() -> None:
    store: Bounded[str, int] = Bounded(most=3, most_weight=10)
    store.put("a", 1, weight=5)
    store.put("b", 2, weight=5)

    store.put("b", 3, weight=11)

    assert (list(store), store.get("b")) == (["a"], None)
