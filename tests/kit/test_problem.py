"""A problem is a code and its parameters; its own text is the code alone, which is safe to log."""

from app.kit.problem import InvalidInput, Problem, Problems


class Sold(Problem):
    """A problem of the tests."""

    code = "SOLD"


def test_a_problem_says_only_its_code_of_itself() -> None:
    problem = Sold(path=("shares", "2"), phrase="sold-out", email="ada@example.com")

    assert (str(problem), repr(problem)) == ("SOLD", "Sold('SOLD')")
    assert (problem.path, problem.phrase, problem.params) == (
        ("shares", "2"),
        "sold-out",
        {"email": "ada@example.com"},
    )


def test_a_problem_is_said_by_its_code_unless_a_finer_phrase_is_given() -> None:
    assert (Sold().phrase, InvalidInput(phrase="rule-too-long", max=3).phrase) == ("SOLD", "rule-too-long")


def test_several_problems_keep_their_order_and_say_only_their_codes() -> None:
    first, second = Sold(path=("tag",)), InvalidInput(path=("price",), places=4)

    together = Problems((first, second))

    assert together.problems == (first, second)
    assert repr(together) == "Problems('SOLD', 'INVALID_INPUT')"
