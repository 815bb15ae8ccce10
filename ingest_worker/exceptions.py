"""What can become of a file that is not archived: each error says whether to try again.

IngestError
├── RetryError                 try again
├── BackoffRetryError          try again, each time later: network, store or database trouble
├── DoNotRetryError            it will fail again: the file or what came with it must be mended
└── NonFatalDoNotRetryError    nothing to do and nothing wrong: the file is in the archive
"""


class IngestError(Exception):
    """A file that was not archived; the message names it and the mend, the code is stable."""

    def __init__(self, message: str, code: str = "unforeseen"):
        super().__init__(message)
        self.code = code


class RetryError(IngestError):
    """Can be retried."""


class BackoffRetryError(IngestError):
    """Can be retried with exponential backoff."""


class DoNotRetryError(IngestError):
    """Will fail again."""


class NonFatalDoNotRetryError(IngestError):
    """Nothing to do and nothing wrong: the file is in the archive already."""
