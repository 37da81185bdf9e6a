"""The one form of an e-mail address, so that two spellings of it are one."""

import unicodedata


def normal_email(address: str) -> str:
    """Give the form in which an address is kept and looked for: NFKC, lower case, no space around.

    Lower case can undo the normal form, so that is made twice; a normal address stays as it is.
    """
    lower = unicodedata.normalize("NFKC", address).strip().lower()
    return unicodedata.normalize("NFKC", lower)
