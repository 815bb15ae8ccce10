"""Every code with which an ingest can fail, by the class that it has, and what it means: said once, here.

`docs/ingest-errors.md` is made from it (``python -m app.reference``), and the operator's page reads it.
"""

REFUSED = "refused at once"

CODES_BY_CLASS: dict[str, dict[str, str]] = {
    "DoNotRetryError": {
        "fits.empty": "the file has no bytes: send it again",
        "fits.invalid": "it is no FITS file, or its header can't be read",
        "fits.truncated": "its headers promise more bytes than it has: send it again, whole",
        "tar.invalid": "the tar file can't be read: send it again",
        "tar.truncated": "the tar file can't be read to its end: send it again",
        "tar.too_large": "the tar file would unpack to 200 times its size and more than 1 GiB, or a member's name has "
        "more than 1 MiB: send its files one by one",
        "tar.no_fits": "no file in the tar gives a header",
        "header.missing": "required keys are missing; the message names them (REQUIRED_HEADERS)",
        "header.bad_date": "a key's value is no date; the message names both",
        "header.bad_number": "a key's value is no number; the message names both",
        "header.unsafe_path": "a value that names the file's place in the store holds a slash, a dot in front or a "
        "control character",
        "metadata.missing": "a file without a header came without the metadata that it needs",
        "metadata.bad_thumbnail": "a thumbnail's size or frame is none",
        "thumbnail.too_large": "a thumbnail is larger than 16 MiB",
        "name.unknown_type": "neither the header nor the file's name says the configuration type",
        "filetype.unknown": "no class reads this extension (FILETYPE_MAPPING_OVERRIDES adds one)",
        "filetype.bad_mapping": "the setting FILETYPE_MAPPING_OVERRIDES names a class that can't be used",
        "record.invalid": "a value does not fit into the archive; the message names it",
        "file.ignored": "IGNORED_CHARS keeps files of this name out",
        "file.missing": "there is no file where the worker looks",
        "file.irregular": "where the worker looks there is something else than a file",
        "file.unreadable": "the worker may not read the file",
        "file.unusable": "a file type of the observatory's own refused it without a code of its own",
        "path.outside_roots": "the path is not below INGEST_ROOTS",
        "path.unusable": "the path can't be one",
        "archive.refused": "the archive refused a record that a program sent; the message has its words",
        "worker.died": "the last worker that tried the file died over it; the history says what became of the others",
        "unforeseen": "none of these; the worker's log says more",
    },
    "BackoffRetryError": {
        "worker.timeout": "it took longer than INGEST_JOB_TIMEOUT_S: the store or the network is slow",
        "file.io_error": "the file could not be read, such as from a disk that failed",
        "store.unavailable": "the file store does not answer",
        "store.misconfigured": "the file store's settings are wrong",
        "store.checksum_mismatch": "the store holds other bytes than were read: the file changed meanwhile",
        "store.size_mismatch": "the store holds more or fewer bytes than were read: the file changed meanwhile",
        "database.unavailable": "the database does not answer",
        "archive.unavailable": "the archive does not answer a program that sends it a record, or fails",
    },
    "RetryError": {
        "database.conflict": "the same file came in by another way at this moment",
    },
    "NonFatalDoNotRetryError": {
        "archive.known": "a program brought a file that is in the archive",
    },
    REFUSED: {
        "filename.bad": "the name of an upload is no file name",
    },
}

MEANINGS = {code: meaning for codes in CODES_BY_CLASS.values() for code, meaning in codes.items()}
