"""The life of a permit: registration, log-in, renewal, revocation, and the passwords and codes behind it.

Each module is one part of it; resolvers call the functions through their module, so that a call reads as a
sentence: `renewing.renew(...)`. Only here and in `traders` is the drawer of credentials opened.
"""
