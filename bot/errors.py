"""Every error Earmark raises on purpose.

::

    EarmarkError                 anything below; the command line prints it as one sentence, exit code 2
    ├── ConfigError              a key of the config file is wrong; names file and key
    ├── InputError               a file or argument given to a command is wrong; names line or value
    ├── ConnectorError           a channel did not answer, or refused us
    │   ├── CursorLostError      the platform no longer accepts the place we kept
    │   └── UnconfirmedError     a reply may be public or not: nobody may send it again
    ├── ClassifierError          the tagger cannot be loaded or cannot run
    ├── SlackError               Slack refused or did not answer
    ├── StorageError             the database is unreachable, outdated or refused a row
    ├── LedgerError              a journal was refused; carries the code of the ledger's specification
    └── CaseError                an agent's action does not fit the case's present state

Errors that talk to the outside carry ``permanent``: True when trying again cannot help.
"""

from __future__ import annotations


class EarmarkError(Exception):
    """Anything Earmark raises on purpose. The message says what failed, on what, and what to do."""


class ConfigError(EarmarkError):
    """The configuration is wrong. The message names the file and the key."""


class InputError(EarmarkError):
    """What a command was given is wrong. The message names the line or the value."""


class OutsideError(EarmarkError):
    """Something outside this process failed. Not raised itself; the classes below are."""

    def __init__(self, message: str, *, permanent: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class ConnectorError(OutsideError):
    """A channel did not answer or refused us."""


class CursorLostError(ConnectorError):
    """The platform no longer accepts our cursor; a bounded backfill follows."""


class UnconfirmedError(ConnectorError):
    """A platform did not say whether it took a reply. Sent again it might be there twice, so a person has to look."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class ClassifierError(OutsideError):
    """The tagger cannot be loaded or cannot run."""


class SlackError(OutsideError):
    """Slack refused a call or did not answer. ``code`` is Slack's own word for it, such as ``channel_not_found``."""

    def __init__(
        self, message: str, *, code: str = "", permanent: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, permanent=permanent, retry_after_s=retry_after_s)
        self.code = code


class StorageError(OutsideError):
    """The database is unreachable, outdated, or refused what we wrote. ``code`` says why where it is known."""

    def __init__(
        self, message: str, *, code: str = "", permanent: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, permanent=permanent, retry_after_s=retry_after_s)
        self.code = code


class LedgerError(EarmarkError):
    """A journal was refused. ``code`` is one of the specification's, such as ``E_UNBALANCED``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class CaseError(EarmarkError):
    """An action does not fit the case as it is now, such as a claim on a case that somebody owns."""
