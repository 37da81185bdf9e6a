"""What a device says of itself, for those who later ask what did something. Never believed for anything."""

import re
from collections.abc import Callable
from dataclasses import dataclass

LONGEST_SIGNATURE = 255
LONGEST_VERSION = 64

_SIGNATURE = re.compile(rf"[\x20-\x7e]{{1,{LONGEST_SIGNATURE}}}")
# As versions are written, of programs and of devices: 2.4.1+build.7, iPhone15,2, SM-G991B/DS.
_VERSION = re.compile(rf"[A-Za-z0-9][A-Za-z0-9 ._+,;:()/~-]{{0,{LONGEST_VERSION - 1}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A device and what runs on it.

    Attributes:
        device: The header x-device-signature: up to 255 printable characters of ASCII.
        software: The header x-software-version: up to 64 letters, digits and signs that versions are written with.
        hardware: The header x-hardware-version, of the same form.
    """

    device: str | None = None
    software: str | None = None
    hardware: str | None = None

    @classmethod
    def read(cls, header: Callable[[str], str | None]) -> "Client":
        """Read the headers; one that has not its form is as if it were not there.

        Args:
            header: Gives the value of a header by its name in lower case.
        """
        return cls(
            device=_fitting(_SIGNATURE, header("x-device-signature")),
            software=_fitting(_VERSION, header("x-software-version")),
            hardware=_fitting(_VERSION, header("x-hardware-version")),
        )


UNKNOWN = Client()
"""A device that says nothing, or none at all."""


def _fitting(form: re.Pattern[str], value: str | None) -> str | None:
    return value if value and form.fullmatch(value) else None
