"""Finds what is said in Latin letters where another script is spoken."""

import re

_QUOTED = re.compile(r'"[^"]*"')
_SENTENCE = re.compile(r"[A-Za-z][\w/.'-]+(?:[\s,;:]+[A-Za-z][\w/.'-]+)+")


def latin_sentences(text: str) -> list[str]:
    """Give what cannot be names or code alone: words that follow each other, outside quotes."""
    return _SENTENCE.findall(_QUOTED.sub('""', text))
