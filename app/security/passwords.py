"""Hashes and checks passwords with argon2id off the event loop, and judges new ones; never keeps one."""

import asyncio
import os
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from app.security.leaked import LeakedPasswords

T = TypeVar("T")

LONGEST_INPUT = 4096
"""Code points as typed that are hashed or checked at most.

Normalising takes quadratic time on a run of combining marks: 17 ms for 4096 of them, 1.6 s for 40,000.
"""

# Normalisation joins at most four code points into one (such as Greek alpha with three marks).
_LONGEST_COMPOSITION = 4
# A shorter part of a name is too likely to stand in a good password by chance.
_SHORTEST_PERSONAL_PART = 3
# With the personal parts taken out, a year or a few digits do not make a password.
_FEWEST_OWN_CHARACTERS = 5


@dataclass(frozen=True, slots=True)
class HashProfile:
    """What one argon2id hash costs (RFC 9106 section 3.1).

    Attributes:
        memory_kib: Memory in KiB, at least eight for each lane.
        time_cost: Passes over the memory.
        parallelism: Lanes, each computed by a thread of its own.
    """

    memory_kib: int
    time_cost: int
    parallelism: int


OWASP = HashProfile(memory_kib=19_456, time_cost=2, parallelism=1)
"""OWASP's minimum: 19 MiB, 20 ms as measured on two cores. The default."""

RFC_9106 = HashProfile(memory_kib=65_536, time_cost=3, parallelism=4)
"""RFC 9106's second recommended option (section 4): 64 MiB, 135 ms as measured on two cores."""

CHEAP = HashProfile(memory_kib=8, time_cost=1, parallelism=1)
"""The cheapest that argon2 takes: for tests only."""


class UnreadableHash(ValueError):
    """What is stored is no argon2 hash, or a damaged one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of checking a password.

    Attributes:
        matches: The password is the right one.
        needs_rehash: It is, and its hash was made with another profile: hash it again and store that.
    """

    matches: bool
    needs_rehash: bool


_NO_MATCH = Verdict(matches=False, needs_rehash=False)


class PasswordHasher:
    """Hashes and checks passwords in threads of its own, as many as there are cores.

    More threads would only cost memory and stall the event loop: 40 of them were measured to hold 760 MiB
    and to stall it for most of a second. Passwords are normalised to NFKC first (NIST SP 800-63B
    section 3.1.1.2), so that one typed on another keyboard is the same.
    """

    def __init__(self, profile: HashProfile, *, threads: int | None = None) -> None:
        """Prepare to hash; threads start when first needed.

        Args:
            profile: The cost of new hashes, and of checking a password of nobody.
            threads: How many hashes are computed at once; None for the cores that this process may use,
                divided by the profile's lanes.

        Raises:
            ValueError: The profile asks for less than argon2 can do, or threads is below one.
        """
        if profile.memory_kib < 8 * profile.parallelism or profile.time_cost < 1 or profile.parallelism < 1:
            raise ValueError("argon2 needs 8 KiB for each lane, one pass and one lane at least.")
        self._argon2 = argon2.PasswordHasher(
            time_cost=profile.time_cost, memory_cost=profile.memory_kib, parallelism=profile.parallelism
        )
        self._nobodys = _hash_of_nobody(profile)
        self._threads = ThreadPoolExecutor(
            threads if threads is not None else max(1, _usable_cores() // profile.parallelism),
            thread_name_prefix="argon2",
        )

    async def hash(self, password: str) -> str:
        """Hash a password with a fresh salt, as an argon2 string that names its own parameters.

        Raises:
            ValueError: The password has more than `LONGEST_INPUT` code points.
        """
        if len(password) > LONGEST_INPUT:
            raise ValueError(f"A password has at most {LONGEST_INPUT} code points.")
        return await self._in_thread(lambda: self._argon2.hash(_as_bytes(password)))

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Tell whether a password is the one that was hashed.

        Args:
            password: As typed; longer than `LONGEST_INPUT` never matches.
            stored: What `hash` gave, or None if there is no such trader: then the same work is done against
                a hash of the same profile that no password matches. A hash of another profile takes that
                profile's time.

        Raises:
            UnreadableHash: `stored` is not an argon2 hash.
        """
        if len(password) > LONGEST_INPUT:
            # The work is done all the same, so that a long password is no way to ask who is known.
            password, stored = "", None
        return await self._in_thread(lambda: self._verify(password, stored))

    def close(self) -> None:
        """Let the threads end; hashes under way are finished, waiting ones are cancelled."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _verify(self, password: str, stored: str | None) -> Verdict:
        subject = self._nobodys if stored is None else stored
        try:
            self._argon2.verify(subject, _as_bytes(password))
        except VerifyMismatchError:
            return _NO_MATCH
        except (InvalidHashError, VerificationError):
            raise UnreadableHash("The stored password hash is not one of argon2.") from None
        return Verdict(matches=stored is not None, needs_rehash=self._argon2.check_needs_rehash(subject))


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a new password breaks.

    Attributes:
        phrase: The message's key in the catalogues.
        params: What the message's placeables stand for; never a part of the password.
    """

    phrase: str
    params: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordRules:
    """What a new password must be. Lengths count code points after NFKC (NIST SP 800-63B section 3.1.1.2).

    The defaults ask for length and for a password that is not widely known, not for a mixture of kinds of
    characters: mixtures are there for whoever must have them.

    Attributes:
        min_length: Fewest code points.
        max_length: Most code points; nothing is ever cut off.
        require_digit: At least one digit of any script.
        require_lowercase: At least one lower-case letter.
        require_uppercase: At least one upper-case letter.
        require_non_alphanumeric: At least one character that is neither letter nor digit.
        min_unique_characters: Fewest different code points.
        leaked: The passwords that everybody tries first; None to allow them.
    """

    min_length: int = 8
    max_length: int = 128
    require_digit: bool = False
    require_lowercase: bool = False
    require_uppercase: bool = False
    require_non_alphanumeric: bool = False
    min_unique_characters: int = 1
    leaked: LeakedPasswords | None = None

    def __post_init__(self) -> None:
        """Refuse rules that no password can keep, or that let through what cannot be hashed."""
        if not 1 <= self.min_length <= self.max_length <= LONGEST_INPUT // _LONGEST_COMPOSITION:
            raise ValueError("Lengths go from 1 to 1024, the shortest first.")
        if not 1 <= self.min_unique_characters <= self.max_length:
            raise ValueError("A password has one different character at least.")

    def breaches(self, password: str, *, personal: Iterable[str] = ()) -> tuple[Breach, ...]:
        """List every rule that a password breaks; empty if it may be used.

        Args:
            password: As typed.
            personal: The trader's e-mail address and names: a password made of little else is refused.

        Returns:
            Breaches with the phrases `password-too-short` (min), `password-too-long` (max),
            `password-needs-digit`, `password-needs-lowercase`, `password-needs-uppercase`,
            `password-needs-non-alphanumeric`, `password-too-uniform` (count),
            `password-leaked` and `password-personal`.
        """
        # Refused before it is normalised, which is slow for what is much too long.
        if len(password) > _LONGEST_COMPOSITION * self.max_length:
            return (Breach("password-too-long", {"max": self.max_length}),)
        text = normalised(password)
        return (*self._of_size(text), *self._of_composition(text), *self._of_guessing(text, personal))

    def _of_size(self, text: str) -> Iterable[Breach]:
        if len(text) < self.min_length:
            yield Breach("password-too-short", {"min": self.min_length})
        if len(text) > self.max_length:
            yield Breach("password-too-long", {"max": self.max_length})
        if len(set(text)) < self.min_unique_characters:
            yield Breach("password-too-uniform", {"count": self.min_unique_characters})

    def _of_composition(self, text: str) -> Iterable[Breach]:
        if self.require_digit and not any(map(str.isdigit, text)):
            yield Breach("password-needs-digit")
        if self.require_lowercase and not any(map(str.islower, text)):
            yield Breach("password-needs-lowercase")
        if self.require_uppercase and not any(map(str.isupper, text)):
            yield Breach("password-needs-uppercase")
        if self.require_non_alphanumeric and all(map(str.isalnum, text)):
            yield Breach("password-needs-non-alphanumeric")

    def _of_guessing(self, text: str, personal: Iterable[str]) -> Iterable[Breach]:
        if self.leaked is not None and text in self.leaked:
            yield Breach("password-leaked")
        if _is_personal(text, personal):
            yield Breach("password-personal")


def normalised(password: str) -> str:
    """Give a password in Unicode's NFKC form, in which it is hashed and judged."""
    return unicodedata.normalize("NFKC", password)


def _as_bytes(password: str) -> bytes:
    # Lone surrogates can be typed through JSON. They are kept, for nothing of a password may be dropped.
    return normalised(password).encode("utf-8", "surrogatepass")


def _hash_of_nobody(profile: HashProfile) -> str:
    # A random digest is as good as a computed one and costs no time at start: no password is known for it.
    salt, digest = (b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (16, 32))
    costs = f"m={profile.memory_kib},t={profile.time_cost},p={profile.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


def _usable_cores() -> int:
    # Not every system knows affinity, and a container may be given fewer cores than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _is_personal(text: str, personal: Iterable[str]) -> bool:
    rest = folded = text.casefold()
    for part in sorted(_personal_parts(personal), key=len, reverse=True):
        rest = rest.replace(part, "")
    own = sum(map(str.isalnum, rest))
    return rest != folded and own < _FEWEST_OWN_CHARACTERS


def _personal_parts(personal: Iterable[str]) -> set[str]:
    parts: set[str] = set()
    for value in personal:
        folded = normalised(value).casefold()
        words = "".join(letter if letter.isalnum() else " " for letter in folded).split()
        parts.update(word for word in (folded, *words) if len(word) >= _SHORTEST_PERSONAL_PART)
    return parts
