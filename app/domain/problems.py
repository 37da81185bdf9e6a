"""What the business can refuse, each as a stable code; `locales/` holds the words."""

from app.entities import Industry, Share
from app.kit.problem import Problem


class EmailIncorrect(Problem):
    """The e-mail address is missing or malformed."""

    code = "INCORRECT_EMAIL"


class PasswordMissing(Problem):
    """The password is missing."""

    code = "PASSWORD_REQUIRED"


class PasswordTooWeak(Problem):
    """The password breaks a rule; `phrase` says which."""

    code = "PASSWORD_TOO_WEAK"


class IndustryUnknown(Problem):
    """No industry has that id."""

    code = "INVALID_INDUSTRY"


class ShareUnknown(Problem):
    """No share has that id."""

    code = "INVALID_SHARE"


class TraderUnknown(Problem):
    """No trader has that id."""

    code = "USER_NOT_FOUND"


class TagTaken(Problem):
    """Another record has the tag."""

    code = "TAG_TAKEN"


class IndustryNotEmpty(Problem):
    """The industry still has shares."""

    code = "INDUSTRY_NOT_EMPTY"


class Conflict(Problem):
    """The record was changed by someone else since the caller read it.

    Attributes:
        current: The record as it is now.
    """

    code = "VERSION_CONFLICT"

    def __init__(self, current: Industry | Share) -> None:
        super().__init__(path=("expectedVersion",))
        self.current = current


class Refused(Problem):
    """A log-in, a security code or a refresh token was refused.

    Attributes:
        retry_after_seconds: How long to wait before the next attempt; None if there is no need to.
    """

    retry_after_seconds: int | None = None


class TooManyAttempts(Refused):
    """Too much was tried for this address; the same whether it is known or not."""

    code = "TOO_MANY_ATTEMPTS"

    def __init__(self, seconds: int, *, path: tuple[str, ...] = ()) -> None:
        super().__init__(path=path, seconds=seconds)
        self.retry_after_seconds = seconds


class IncorrectSecurityCode(Refused):
    """The security code is wrong, used or expired."""

    code = "INCORRECT_SECURITY_CODE"


class TwoFactorOn(Problem):
    """The second factor is on already."""

    code = "INVALID_INPUT"

    def __init__(self) -> None:
        super().__init__(phrase="two-factor-on")


class TwoFactorOff(Problem):
    """The second factor is not on."""

    code = "INVALID_INPUT"

    def __init__(self) -> None:
        super().__init__(phrase="two-factor-off")


class SecondFactorRequired(Refused):
    """The password is right; a code from the authenticator app is needed too."""

    code = "SECOND_FACTOR_REQUIRED"


class IncorrectSecondFactor(Refused):
    """The code from the authenticator app, or the recovery code, is wrong or was used already."""

    code = "INCORRECT_SECOND_FACTOR"


class LoginFailed(Refused):
    """The address and the password do not belong together; whether the address is known is not said."""

    code = "LOGIN_FAILED"


class EmailNotConfirmed(Refused):
    """The password is right, but the address is not confirmed yet."""

    code = "EMAIL_NOT_CONFIRMED"


class PermitInvalid(Refused):
    """The refresh token is not valid, has expired, was revoked or was already used."""

    code = "INVALID_PERMIT"
