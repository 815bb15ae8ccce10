"""The library's settings: one table, one object.

Each setting is read from the environment variable of the same name at the moment that it is asked for, so nothing
depends on the order of imports, and a test may set the variable or patch the attribute of `settings`.
"""

import ast
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class SettingError(ValueError):
    """A setting has a value that can't be used; the message names the setting and says what would do."""


def parse_text(text: str) -> str:
    return text


def parse_list(text: str) -> tuple[str, ...]:
    """Split a comma list; blanks around and between the commas do not count."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"a whole number, not {text!r}") from None


def parse_flag(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"", "0", "false", "no", "off"}:
        return False
    raise ValueError(f"true or false, not {text!r}")


def parse_dict(text: str) -> dict[str, str]:
    """Read a Python-literal dict, as ``{'.fits': 'package.module.Class'}``."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"a Python dict such as {{'.fits': 'package.module.Class'}}, not {text!r}")
    return value


@dataclass(frozen=True)
class Setting:
    """One line of a settings table: it makes the code, the docs and ``.env.example`` alike."""

    name: str
    default: str
    help: str
    parse: Callable[[str], Any] = parse_text
    secret: bool = False

    def read(self, environ: Mapping[str, str]) -> Any:
        """Return the setting's value in an environment; that of a secret may stand in the file that NAME_FILE names.

        Raises
        ------
        SettingError
            If the text can't be understood, or the file not be read.
        """
        text = self._find_text(environ)
        try:
            return self.parse(text)
        except ValueError as error:
            raise SettingError(f"The setting {self.name} must be {error}.") from None

    def _find_text(self, environ: Mapping[str, str]) -> str:
        path = environ.get(f"{self.name}_FILE") if self.secret and not environ.get(self.name) else None
        if not path:
            return environ.get(self.name, self.default)
        try:
            return Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"The file that {self.name}_FILE names can't be read: {error}.") from None


SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("OBSERVATION_DATE_KEY", "DATE-OBS", "Header key of the observation date (UTC, ISO)."),
        Setting("OBSERVATION_DAY_KEY", "DAY-OBS", "Header key of the observing night, YYYYMMDD."),
        Setting("OBSERVATION_END_TIME_KEY", "UTSTOP", "Header key of the end of the observation."),
        Setting("REDUCTION_LEVEL_KEY", "RLEVEL", "Header key of the reduction level; 0 is raw."),
        Setting("EXPOSURE_TIME_KEY", "EXPTIME", "Header key of the exposure time in seconds."),
        Setting("INSTRUMENT_ID_KEY", "INSTRUME", "Header key of the instrument."),
        Setting("SITE_ID_KEY", "SITEID", "Header key of the site."),
        Setting("TELESCOPE_ID_KEY", "TELID", "Header key of the telescope."),
        Setting("OBSERVATION_ID_KEY", "BLKUID", "Header key of the observation's number."),
        Setting("CONFIGURATION_ID_KEY", "MOLUID", "Header key of the configuration's number."),
        Setting("PRIMARY_OPTICAL_ELEMENT_KEY", "FILTER", "Header key of the filter."),
        Setting("TARGET_NAME_KEY", "OBJECT", "Header key of the target's name."),
        Setting("REQUEST_ID_KEY", "REQNUM", "Header key of the request's number."),
        Setting("REQUESTGROUP_ID_KEY", "TRACKNUM", "Header key of the request group's number."),
        Setting("CONFIGURATION_TYPE_KEY", "OBSTYPE", "Header key of the configuration type, such as EXPOSE or BIAS."),
        Setting("PROPOSAL_ID_KEY", "PROPID", "Header key of the proposal."),
        Setting("CATALOG_TARGET_FRAME_KEY", "L1IDCAT", "Header key of the base filename of the target's catalogue."),
        Setting("PUBLIC_DATE_KEY", "L1PUBDAT", "Header key of the date on which the data become public."),
        Setting(
            "RELATED_FRAME_KEYS",
            "L1IDBIAS,L1IDDARK,L1IDFLAT,L1IDSHUT,L1IDMASK,L1IDFRNG,L1IDCAT,L1IDARC,L1ID1D,L1ID2D,L1IDSUM,"
            "TARFILE,ORIGNAME,ARCFILE,FLATFILE,GUIDETAR",
            "Header keys that hold base filenames of related frames.",
            parse_list,
        ),
        Setting("RADIUS_KEY", "RADIUS", "Header key of a circular field's radius in arcsec."),
        Setting("RA_KEY", "RA", "Header key of a circular field's right ascension as an hour angle."),
        Setting("DEC_KEY", "DEC", "Header key of a circular field's declination in degrees."),
        Setting("THUMBNAIL_FRAME_BASENAME_KEY", "frame_basename", "Metadata key of the frame of a thumbnail."),
        Setting("THUMBNAIL_SIZE_KEY", "size", "Metadata key of a thumbnail's size."),
        Setting(
            "REQUIRED_HEADERS",
            "PROPID,DATE-OBS,DAY-OBS,INSTRUME,SITEID,TELID,OBSTYPE,BLKUID",
            "Header keys that a data file must have.",
            parse_list,
        ),
        Setting(
            "REQUIRED_THUMBNAIL_METADATA",
            "frame_basename,size,DATE-OBS,DAY-OBS,INSTRUME,SITEID,TELID",
            "Metadata that a thumbnail must come with.",
            parse_list,
        ),
        Setting("HEADER_BLACKLIST", "HISTORY,COMMENT", "Header keys that are dropped before storing.", parse_list),
        Setting("NULL_HEADER_VALUES", "N/A,UNSPECIFIED,UNKNOWN", "Header values that mean “none”.", parse_list),
        Setting(
            "CALIBRATION_TYPES",
            "BIAS,DARK,SKYFLAT,EXPERIMENTAL",
            "Configuration types whose frames are public at once.",
            parse_list,
        ),
        Setting(
            "PUBLIC_PROPOSALS",
            "EPO,calib,standard,pointing",
            "Parts of proposal ids whose frames are public at once.",
            parse_list,
        ),
        Setting("PRIVATE_PROPOSALS", "LCOEngineering", "Parts of proposal ids that stay private.", parse_list),
        Setting("PRIVATE_FILE_TYPES", "-t00,-x00", "Parts of basenames that stay private.", parse_list),
        Setting("PUBLIC_PROPOSAL_TAGS", "public", "Portal tags of proposals that are public at once.", parse_list),
        Setting("PRIVATE_PROPOSAL_TAGS", "private,internal", "Portal tags of proposals that stay private.", parse_list),
        Setting("DAYS_UNTIL_PUBLIC", "365", "Days from the observation until a frame becomes public.", parse_int),
        Setting("IGNORED_CHARS", "-l00,tstnrs", "Files whose name contains one of these are ignored.", parse_list),
        Setting(
            "OBSERVATION_PORTAL_BASE_URL", "", "Observation Portal that knows the proposals' tags; empty: not asked."
        ),
        Setting("OBSERVATION_PORTAL_API_TOKEN", "", "The archive's token at the Observation Portal.", secret=True),
        Setting(
            "FILETYPE_MAPPING_OVERRIDES",
            "{}",
            "Python dict, file extension to dotted class path; adds to and overrides the known file types.",
            parse_dict,
        ),
        Setting(
            "FILESTORE_TYPE",
            "dummy",
            "Where files are kept: dummy, local, s3, or the dotted path of a FileStore of the observatory's own. "
            "The archive takes local, in DATA_DIR, if it is unset.",
        ),
        Setting("FILESYSTEM_STORAGE_ROOT_DIR", "", "Folder of the local store."),
        Setting("FILESYSTEM_STORAGE_BASE_URL", "http://0.0.0.0/", "URL at which the local store's folder is served."),
        Setting("BUCKET", "testbucket", "Bucket of the S3 store."),
        Setting("AWS_ACCESS_KEY_ID", "", "Access key of the S3 store; empty: boto3's own sources.", secret=True),
        Setting("AWS_SECRET_ACCESS_KEY", "", "Secret key of the S3 store; empty: boto3's own sources.", secret=True),
        Setting("AWS_DEFAULT_REGION", "", "Region of the S3 store; empty: boto3's own sources."),
        Setting("S3_ENDPOINT_URL", "", "Address of an S3-compatible server; empty: Amazon's."),
        Setting("S3_PUBLIC_ENDPOINT_URL", "", "Address under which users reach that server; empty: S3_ENDPOINT_URL."),
        Setting("S3_ADDRESSING_STYLE", "virtual", "How S3 names the bucket in a URL: virtual or path."),
        Setting("S3_SIGNATURE_VERSION", "s3v4", "Signature version of S3 URLs."),
        Setting(
            "S3_DAYS_TO_IA_STORAGE", "60", "Age in days from which S3 keeps an observation as STANDARD_IA.", parse_int
        ),
        Setting("API_ROOT", "http://localhost:8000/", "The archive's address, for programs that send it their frames."),
        Setting("AUTH_TOKEN", "", "The token of an operator, for programs that send frames.", secret=True),
    )
}


class Settings:
    """The settings in force: one attribute for each line of `SETTINGS`."""

    def __getattr__(self, name: str) -> Any:
        try:
            setting = SETTINGS[name]
        except KeyError:
            raise AttributeError(f"ocs_archive has no setting {name!r}") from None
        return setting.read(os.environ)


settings = Settings()
