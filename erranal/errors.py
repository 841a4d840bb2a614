"""Errors a user can act on: each message names the value that is wrong and the next step."""

from __future__ import annotations


class ErranalError(Exception):
    """Base of the errors that are the user's to fix; the command line prints no traceback."""


class StoreError(ErranalError):
    """The study cannot be opened, is locked, or has a schema this version does not know."""


class IngestError(ErranalError):
    """A file cannot be read at all (single bad rows are reported as rejects, not raised)."""


class CodebookError(ErranalError):
    """A codebook file breaks a rule; the message carries file and line."""


class StageError(ErranalError):
    """A stage misses what an earlier stage produces, or was given parameters it cannot use."""


class ModelError(ErranalError):
    """An encoder or model cannot be loaded."""
