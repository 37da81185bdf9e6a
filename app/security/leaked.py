"""The passwords that everybody tries first, kept as cut hashes; never gives a password back.

`leaked_passwords.bin` is made from the frequency list `passwords` of the package zxcvbn 4.5.0 on PyPI (MIT
licence), which its authors drew from public collections of breached passwords: 30,000 entries, each cut to
five bytes of its hash. To make it again from any list, one password a line:

    python -m app.security.leaked SOURCE
"""

import hashlib
import sys
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache
from pathlib import Path

# Of 2**40 values some thirty thousand are taken: a good password is refused once in 36 million times.
_WIDTH_BYTES = 5
_FILE = Path(__file__).with_name("leaked_passwords.bin")


class LeakedPasswords:
    """A set of passwords that can only be asked whether a given one is in it.

    Passwords are compared after NFKC and without case, so that `Password1` is found as `password1`.
    """

    def __init__(self, passwords: Iterable[str]) -> None:
        """Make a set of the given passwords, in any order."""
        self._digests = b"".join(sorted({_digest(password) for password in passwords}))

    @classmethod
    def load(cls) -> "LeakedPasswords":
        """Give the set that comes with the product; its file is read at the first call only.

        Raises:
            OSError: The file is missing from the installation.
        """
        return _shipped()

    def __contains__(self, password: str) -> bool:
        sought = _digest(password)
        index = bisect_left(range(len(self)), sought, key=self._digest_at)
        # Past the end there is nothing, which equals no hash.
        return self._digest_at(index) == sought

    def __len__(self) -> int:
        return len(self._digests) // _WIDTH_BYTES

    def to_bytes(self) -> bytes:
        """Give the file's content: the cut hashes, sorted, one after the other."""
        return self._digests

    @classmethod
    def from_bytes(cls, content: bytes) -> "LeakedPasswords":
        """Make a set of what `to_bytes` gave."""
        found = cls(())
        found._digests = content
        return found

    def _digest_at(self, index: int) -> bytes:
        return self._digests[index * _WIDTH_BYTES : (index + 1) * _WIDTH_BYTES]


def build(source: Path, target: Path = _FILE) -> int:
    """Write the set of the passwords in a UTF-8 text file, one a line; give how many there are.

    Raises:
        OSError: The source cannot be read, or the target not be written.
    """
    lines = source.read_text(encoding="utf-8").splitlines()
    found = LeakedPasswords(line for line in lines if line)
    target.write_bytes(found.to_bytes())
    return len(found)


@cache
def _shipped() -> LeakedPasswords:
    return LeakedPasswords.from_bytes(_FILE.read_bytes())


def _digest(password: str) -> bytes:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", password).casefold())
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()[:_WIDTH_BYTES]


if __name__ == "__main__":
    sys.stdout.write(f"{build(Path(sys.argv[1]))} passwords written to {_FILE}\n")
