"""Tokens, keys, passwords and codes: the only room that opens python-jose and argon2."""
