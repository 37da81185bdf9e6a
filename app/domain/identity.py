"""What registration, log-in and renewal work with, as one value: tools, rules and limits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from app.domain.problems import PasswordTooWeak
from app.kit.clock import Clock, utc_now
from app.kit.problem import Problems
from app.security.passwords import PasswordHasher, PasswordRules
from app.security.seals import Seals
from app.security.tokens import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often and how long.

    Attributes:
        code_lifetime: How long a security code is good for.
        code_interval: How long to wait before another code may be asked for.
        code_tries: How often a code may be tried.
        failures: After how many failed log-ins a trader is locked out.
        lockout: For how long.
        answer_step: Answers that could tell whether an address is known take a multiple of this.
    """

    code_lifetime: timedelta = timedelta(minutes=10)
    code_interval: timedelta = timedelta(minutes=1)
    code_tries: int = 5
    failures: int = 5
    lockout: timedelta = timedelta(minutes=30)
    answer_step: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The tools, rules and limits of one server.

    Attributes:
        access_lifetime: How long an access token lives.
        locales: The languages that there are, the default first.
        issuer: The name that authenticator apps show.
        clock: Tells the present, aware.
    """

    tokens: Tokens
    hasher: PasswordHasher
    seals: Seals
    rules: PasswordRules
    access_lifetime: timedelta
    locales: tuple[str, ...]
    issuer: str
    clock: Clock = utc_now
    limits: Limits = Limits()

    def hold_to_rules(self, password: str, *, path: str, personal: Iterable[str]) -> None:
        """Hold a new password to the rules.

        Raises:
            Problems: A `PasswordTooWeak` for each rule that it breaks.
        """
        breaches = self.rules.breaches(password, personal=personal)
        if breaches:
            raise Problems(
                tuple(PasswordTooWeak(path=(path,), phrase=breach.phrase, **breach.params) for breach in breaches)
            )
