"""One-time codes of authenticator apps (RFC 6238) and the recovery codes that stand in for a lost app."""

import hmac
import secrets

import pyotp

STEP_SECONDS = 30
"""How long a code is shown (RFC 6238, section 5.2)."""

# One step to either side: clocks of phones differ, and typing takes time (RFC 6238, section 5.2).
_DRIFT = (0, -1, 1)
_RECOVERY_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_RECOVERY_LENGTH = 10


def new_secret() -> str:
    """Make a secret of 160 bits, as base32 (RFC 4226, section 4, R6)."""
    return pyotp.random_base32(32)


def uri(secret: str, *, account: str, issuer: str) -> str:
    """Give what an app reads from a QR code: an otpauth:// address with the secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def step_of(code: str, secret: str, *, at: float, after: int) -> int | None:
    """Find the time step that a code belongs to.

    Args:
        code: As typed; white space is not counted.
        secret: From `new_secret`.
        at: The moment, in seconds since 1970.
        after: The step of the last code that was taken: neither it nor an earlier one is taken again.

    Returns:
        The step, or None if the code is wrong, too old or was taken before.
    """
    typed = "".join(code.split())
    totp = pyotp.TOTP(secret)
    now = int(at) // STEP_SECONDS
    if not (typed.isascii() and typed.isdecimal()):
        return None
    steps = [now + drift for drift in _DRIFT if now + drift > after]
    return next((step for step in steps if hmac.compare_digest(totp.generate_otp(step), typed)), None)


def new_recovery_code() -> str:
    """Make a recovery code of almost 50 bits, in two groups that are easy to copy."""
    code = "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(_RECOVERY_LENGTH))
    return f"{code[:5]}-{code[5:]}"


def normal_recovery_code(code: str) -> str:
    """Give the one form in which a recovery code is hashed: upper case without dashes and white space."""
    return "".join(code.upper().replace("-", " ").split())
