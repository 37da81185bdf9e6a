"""What went wrong, as a stable code and its parameters; the words are said at the door."""

from typing import ClassVar


class Problem(Exception):
    """A refusal that a caller can understand. Knows neither HTTP nor a language.

    Attributes:
        code: One of the schema's `ErrorCode` values; never renamed once shipped.
        phrase: The message's key in the catalogues; the code where there is no finer one.
        params: What the message's placeables stand for: texts and numbers, never secrets.
        path: The input field at fault, from the input down; empty if no field is.
    """

    code: ClassVar[str]

    def __init__(
        self,
        *,
        path: tuple[str, ...] = (),
        phrase: str | None = None,
        **params: str | int,
    ) -> None:
        super().__init__(type(self).code)
        self.path = path
        self.phrase = phrase or type(self).code
        self.params = params


class InvalidInput(Problem):
    """A value breaks a rule; `phrase` says which rule, `path` which value."""

    code = "INVALID_INPUT"


class Problems(Exception):
    """Several refusals of one input, told together."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(*(problem.code for problem in problems))
        self.problems = problems
