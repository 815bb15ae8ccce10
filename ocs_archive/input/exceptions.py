"""The one error of the data files; `ocs_archive.input.file` gives it its public name."""


class FileSpecificationException(Exception):
    """A file can't be archived as it is; the message says why and is safe to show.

    Parameters
    ----------
    message
        What is wrong, naming the file or the header key, and what would mend it.
    code
        Stable name of the kind of fault, such as ``fits.truncated``: operators count and filter by it.
    """

    def __init__(self, message: str, code: str = "file.unusable") -> None:
        super().__init__(message)
        self.code = code
