"""Passwords: hashing off the loop, unknown traders, and the rules for new ones."""

import asyncio
import hashlib
import random
import string
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.security import leaked
from app.security.leaked import LeakedPasswords
from app.security.passwords import (
    CHEAP,
    LONGEST_INPUT,
    OWASP,
    RFC_9106,
    Breach,
    HashProfile,
    PasswordHasher,
    PasswordRules,
    UnreadableHash,
    Verdict,
)

T = TypeVar("T")
MATCH = Verdict(matches=True, needs_rehash=False)
NO_MATCH = Verdict(matches=False, needs_rehash=False)


def with_hasher(use: Callable[[PasswordHasher], Awaitable[T]], profile: HashProfile = CHEAP) -> T:
    async def run() -> T:
        hasher = PasswordHasher(profile)
        try:
            return await use(hasher)
        finally:
            hasher.close()

    return asyncio.run(run())


def verdict(password: str, stored: str | None, profile: HashProfile = CHEAP) -> Verdict:
    return with_hasher(lambda hasher: hasher.verify(password, stored), profile)


def hashed(password: str, profile: HashProfile = CHEAP) -> str:
    return with_hasher(lambda hasher: hasher.hash(password), profile)


def test_only_the_hashed_password_matches() -> None:
    stored = hashed("correct horse")

    assert verdict("correct horse", stored) == MATCH
    assert verdict("correct horse ", stored) == NO_MATCH
    assert verdict("Correct horse", stored) == NO_MATCH
    assert verdict("", stored) == NO_MATCH


def test_hash_is_argon2id_with_the_profiles_costs_and_a_salt_of_its_own() -> None:
    first, second = hashed("correct horse"), hashed("correct horse")

    assert first.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert first != second


def test_profiles_are_the_published_ones() -> None:
    """OWASP Password Storage Cheat Sheet; RFC 9106 section 4."""
    assert HashProfile(19 * 1024, 2, 1) == OWASP
    assert HashProfile(64 * 1024, 3, 4) == RFC_9106


def test_match_under_another_profile_asks_for_a_new_hash() -> None:
    dearer = HashProfile(16, 2, 1)
    stored = hashed("correct horse")

    assert verdict("correct horse", stored, dearer) == Verdict(matches=True, needs_rehash=True)
    assert verdict("wrong", stored, dearer) == NO_MATCH


def test_nobody_has_a_password() -> None:
    for password in ("", "correct horse", "\ud800", "x" * (LONGEST_INPUT + 1)):
        assert verdict(password, None) == NO_MATCH


def test_nobodys_password_costs_as_much_as_somebodys() -> None:
    profile = HashProfile(8192, 3, 1)
    stored = hashed("correct horse", profile)

    async def shortest(hasher: PasswordHasher) -> tuple[float, float]:
        known: list[float] = []
        unknown: list[float] = []
        for _ in range(15):
            for times, subject in ((known, stored), (unknown, None)):
                start = time.perf_counter()
                await hasher.verify("wrong", subject)
                times.append(time.perf_counter() - start)
        return min(known), min(unknown)

    known, unknown = with_hasher(shortest, profile)

    # Without the work it would be a hundredth.
    assert 0.5 < known / unknown < 2


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("caf\u00e9 au lait", "cafe\u0301 au lait"),
        ("\uff50\uff41\uff53\uff53word", "password"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("\ufb01sh and chips", "fish and chips"),
    ],
)
def test_one_password_in_two_unicode_spellings_is_the_same(typed: str, same: str) -> None:
    """NIST SP 800-63B section 3.1.1.2: NFKC."""
    assert verdict(same, hashed(typed)) == MATCH


def test_lone_surrogates_are_kept_apart() -> None:
    stored = hashed("correct \ud800 horse")

    assert verdict("correct \ud800 horse", stored) == MATCH
    assert verdict("correct \ud801 horse", stored) == NO_MATCH
    assert verdict("correct ? horse", stored) == NO_MATCH


def test_nothing_is_cut_off() -> None:
    """ASVS 5.0 6.2.8: verified exactly as received, without truncation."""
    stored = hashed("x" * 200 + "a")

    assert verdict("x" * 200 + "b", stored) == NO_MATCH
    assert verdict("x" * 200, stored) == NO_MATCH
    assert verdict("a\0b", hashed("a\0c")) == NO_MATCH


def test_endless_password_is_neither_hashed_nor_matched() -> None:
    with pytest.raises(ValueError, match="at most"):
        hashed("x" * (LONGEST_INPUT + 1))
    # Shorter once normalised, but it is not even looked at.
    assert verdict("e\u0301" * LONGEST_INPUT, hashed("\u00e9" * LONGEST_INPUT)) == NO_MATCH


@pytest.mark.parametrize(
    "stored", ["", "plain", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=8,t=1,p=1$AAAA"]
)
def test_damaged_hash_is_told_and_not_shown(stored: str) -> None:
    with pytest.raises(UnreadableHash) as caught:
        verdict("correct horse", stored)

    assert "correct horse" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_loop_goes_on_while_hashes_are_computed() -> None:
    profile = HashProfile(65_536, 4, 1)

    async def beats(hasher: PasswordHasher) -> int:
        work = asyncio.gather(*(hasher.hash("correct horse") for _ in range(3)))
        count = 0
        while not work.done():
            await asyncio.sleep(0.001)
            count += 1
        await work
        return count

    assert with_hasher(beats, profile) > 10


def test_many_at_once_are_all_answered() -> None:
    async def crowd(hasher: PasswordHasher) -> list[Verdict]:
        stored = await hasher.hash("correct horse")
        return await asyncio.gather(*(hasher.verify(f"correct {word}", stored) for word in ["horse", "cow"] * 50))

    assert with_hasher(crowd) == [MATCH, NO_MATCH] * 50


@pytest.mark.parametrize(
    "profile", [HashProfile(7, 1, 1), HashProfile(8, 0, 1), HashProfile(8, 1, 2), HashProfile(8, 1, 0)]
)
def test_profile_below_what_argon2_can_do_is_refused(profile: HashProfile) -> None:
    with pytest.raises(ValueError, match="argon2"):
        PasswordHasher(profile)


# Rules.


def phrases(rules: PasswordRules, password: str, *personal: str) -> list[str]:
    return [breach.phrase for breach in rules.breaches(password, personal=personal)]


def test_lengths_are_told_with_their_bounds() -> None:
    rules = PasswordRules(min_length=10, max_length=12)

    assert rules.breaches("x" * 9) == (Breach("password-too-short", {"min": 10}),)
    assert rules.breaches("x" * 10) == rules.breaches("x" * 12) == ()
    assert rules.breaches("x" * 13) == (Breach("password-too-long", {"max": 12}),)
    assert rules.breaches("x" * 1_000_000) == (Breach("password-too-long", {"max": 12}),)


def test_lengths_count_code_points_after_normalisation() -> None:
    """NIST SP 800-63B section 3.1.1.2: each code point is one character."""
    rules = PasswordRules(min_length=8, max_length=8)

    assert rules.breaches("e\u0301" * 8) == ()
    assert rules.breaches("\U0001f600" * 8) == ()
    assert rules.breaches("\u1f82" * 8) == ()
    assert phrases(rules, "e\u0301" * 7) == ["password-too-short"]


@pytest.mark.parametrize(
    ("rules", "bad", "good", "phrase"),
    [
        (PasswordRules(require_digit=True), "abcdefgh", "abcdefg1", "password-needs-digit"),
        (PasswordRules(require_lowercase=True), "ABCDEFGH", "ABCDEFGh", "password-needs-lowercase"),
        (PasswordRules(require_uppercase=True), "abcdefgh", "abcdefgH", "password-needs-uppercase"),
        (PasswordRules(require_non_alphanumeric=True), "abcdefg1", "abcdef 1", "password-needs-non-alphanumeric"),
        (PasswordRules(min_unique_characters=4), "abcabcabc", "abcdabcd", "password-too-uniform"),
    ],
)
def test_each_rule_refuses_and_lets_pass(rules: PasswordRules, bad: str, good: str, phrase: str) -> None:
    assert phrases(rules, bad) == [phrase]
    assert phrases(rules, good) == []


def test_every_broken_rule_is_told_at_once() -> None:
    rules = PasswordRules(require_digit=True, require_uppercase=True, leaked=LeakedPasswords(["dragon"]))

    assert phrases(rules, "dragon") == [
        "password-too-short",
        "password-needs-digit",
        "password-needs-uppercase",
        "password-leaked",
    ]


def test_no_mixture_is_asked_for_by_default() -> None:
    """ASVS 5.0 6.2.5, NIST SP 800-63B section 3.1.1.2."""
    assert PasswordRules(leaked=LeakedPasswords.load()).breaches("correct horse battery staple") == ()


@pytest.mark.parametrize(
    "password",
    ["anna.smith@example.com", "Anna.Smith", "annasmith2024", "SMITH-anna-1", "\uff33mithanna", "smith!!!!!!!"],
)
def test_password_of_ones_own_name_is_refused(password: str) -> None:
    """ASVS 5.0 6.2.11, NIST SP 800-63B section 3.1.1.2: context-specific words."""
    assert phrases(PasswordRules(), password, "anna.smith@example.com", "Anna", "Smith") == ["password-personal"]


@pytest.mark.parametrize("password", ["annapurna trekking", "blacksmith hammer", "12345!!!", "li li li li li"])
def test_password_that_merely_holds_a_name_is_allowed(password: str) -> None:
    assert phrases(PasswordRules(), password, "anna.smith@example.com", "Li", "Smith", "") == []


@settings(deadline=None)
@given(
    password=st.text(st.characters(), max_size=200),
    personal=st.lists(st.text(st.characters(), max_size=20), max_size=3),
)
def test_any_text_can_be_judged(password: str, personal: list[str]) -> None:
    rules = PasswordRules(leaked=LeakedPasswords.load(), require_digit=True, require_non_alphanumeric=True)

    breaches = rules.breaches(password, personal=personal)

    assert len(breaches) == len({breach.phrase for breach in breaches})


@pytest.mark.parametrize(
    "change",
    [
        {"min_length": 0},
        {"min_length": 129},
        {"max_length": 1025},
        {"min_unique_characters": 0},
        {"min_unique_characters": 129},
    ],
)
def test_rules_that_cannot_be_kept_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"Lengths go|one different"):
        PasswordRules(**change)  # type: ignore[arg-type]


# Leaked ones.


@pytest.mark.parametrize(
    "password", ["123456", "password", "password1", "Password1", "PASSWORD1", "qwertyuiop", "\u2119assword1"]
)
def test_what_everybody_tries_is_known(password: str) -> None:
    assert password in LeakedPasswords.load()


def test_list_is_as_long_as_it_says() -> None:
    assert len(LeakedPasswords.load()) == 30_000


def test_random_passwords_are_not_known() -> None:
    letters = random.Random(20260301)  # noqa: S311 - must be the same each time
    passwords = ["".join(letters.choices(string.ascii_letters + string.digits, k=20)) for _ in range(2000)]

    assert [password for password in passwords if password in LeakedPasswords.load()] == []


def test_every_place_of_the_list_is_found() -> None:
    passwords = [f"password {number}" for number in range(257)]

    known = LeakedPasswords(passwords)

    assert all(password in known for password in passwords)
    assert "password 257" not in known
    assert "password 0" not in LeakedPasswords(())


def test_builder_writes_what_is_loaded(tmp_path: Path) -> None:
    source, target = tmp_path / "source.txt", tmp_path / "target.bin"
    source.write_text("dragon\nDRAGON\n\nletmein\n", encoding="utf-8")

    count = leaked.build(source, target)

    known = LeakedPasswords.from_bytes(target.read_bytes())
    assert (count, target.stat().st_size) == (2, 10)
    assert ["dragon" in known, "Letmein" in known, "" in known] == [True, True, False]


def test_shipped_file_is_sorted_without_doubles() -> None:
    content = LeakedPasswords.load().to_bytes()

    digests = [content[start : start + 5] for start in range(0, len(content), 5)]

    assert digests == sorted(set(digests))
    assert hashlib.sha256(b"123456").digest()[:5] in digests
