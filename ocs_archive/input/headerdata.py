"""A data file's header by concept: each getter knows the key that the settings give to it."""

from collections.abc import Iterable, Mapping
from typing import Any

from ocs_archive.input import dates
from ocs_archive.input.exceptions import FileSpecificationException
from ocs_archive.input.values import build_json_value, clean_json_value, clean_text, split_filename
from ocs_archive.settings import settings


def build_bad_number_error(key: str, value: Any, wanted: str) -> FileSpecificationException:
    return FileSpecificationException(f"{key} is {value!r}, which is no {wanted}; write one.", code="header.bad_number")


def parse_integer(key: str, value: Any) -> int:
    """Read a whole number of 64 bits from a number or text such as ``'0000296263'``."""
    try:
        number = int(value)
    except (ValueError, TypeError):
        raise build_bad_number_error(key, value, "whole number") from None
    if isinstance(value, bool) or (isinstance(value, float) and value != number) or abs(number) >= 2**63:
        raise build_bad_number_error(key, value, "whole number of 64 bits")
    return number


def parse_float(key: str, value: Any) -> float:
    """Read a finite number from a number or text such as ``'10.0'``."""
    try:
        number = build_json_value(float(value))
    except (ValueError, TypeError):
        number = None
    if number is None or isinstance(value, bool):
        raise build_bad_number_error(key, value, "number")
    return float(number)


class HeaderData:
    """A header, as JSON values by key, and what its keys mean.

    From the start, null values are empty text (None for integer ids) and related frames have no extensions.

    Parameters
    ----------
    header_data
        Values by header key: a FITS header, given metadata, or both.
    """

    def __init__(self, header_data: Mapping[str, Any] | None = None) -> None:
        self.header_data: dict[str, Any] = {}
        self.update_headers(header_data or {})

    def get_headers(self) -> dict[str, Any]:
        """Return the header as it is stored: JSON values only, no control characters."""
        return {clean_text(key): clean_json_value(value) for key, value in self.header_data.items()}

    def update_headers(self, header_data: Mapping[str, Any]) -> None:
        """Add or replace header values."""
        nulls, related = set(settings.NULL_HEADER_VALUES), set(settings.RELATED_FRAME_KEYS)
        ids = {
            settings.REQUEST_ID_KEY,
            settings.REQUESTGROUP_ID_KEY,
            settings.OBSERVATION_ID_KEY,
            settings.CONFIGURATION_ID_KEY,
        }
        for key, raw in header_data.items():
            value = build_json_value(raw)
            if isinstance(value, str):
                if value.strip() in nulls or (key in ids and "none" in value.lower()):
                    value = None if key in ids else ""
                elif key in related:
                    value = split_filename(value.strip())[0]
            self.header_data[str(key)] = value

    def remove_header(self, key: str) -> None:
        """Remove a header if it is there."""
        self.header_data.pop(key, None)

    def headers_are_set(self, keys: Iterable[str]) -> bool:
        """Tell whether every key has a value that is not null; zero and false are values."""
        return all(self.header_data.get(key) not in (None, "") for key in keys)

    def _get_text(self, key: str) -> str:
        value = self.header_data.get(key)
        return "" if value is None else clean_text(str(value)).strip()

    def _get_integer(self, key: str) -> int | None:
        return parse_integer(key, self.header_data[key]) if self._get_text(key) else None

    def _get_date(self, key: str) -> str | None:
        text = self._get_text(key)
        return dates.build_iso_date(key, text) if text else None

    def get_observation_date(self) -> str | None:
        """Return the start of the observation as ISO text, UTC where it has no offset.

        Raises
        ------
        FileSpecificationException
            ``header.bad_date``, here and in every getter of a date, if it is no possible date.
        """
        return self._get_date(settings.OBSERVATION_DATE_KEY)

    def get_observation_day(self) -> str | None:
        """Return the observing night as the header has it, else the observation date's UTC day, YYYYMMDD."""
        text = self._get_text(settings.OBSERVATION_DAY_KEY)
        if text:
            return dates.check_day(settings.OBSERVATION_DAY_KEY, text)
        observed = self.get_observation_date()
        return dates.build_utc_day(settings.OBSERVATION_DATE_KEY, observed) if observed else None

    def get_observation_end_time(self) -> str | None:
        """Return the end of the observation as the header writes it, often a time of day only."""
        return self._get_text(settings.OBSERVATION_END_TIME_KEY) or None

    def get_public_date(self) -> str | None:
        """Return when the data become public, as ISO text; a `DataFile` fills it in by the rules."""
        return self._get_date(settings.PUBLIC_DATE_KEY)

    def get_reduction_level(self) -> int:
        """Return the reduction level; 0 is raw, and the answer where there is none."""
        return self._get_integer(settings.REDUCTION_LEVEL_KEY) or 0

    def get_exposure_time(self) -> float | None:
        """Return the exposure time in seconds.

        Raises
        ------
        FileSpecificationException
            ``header.bad_number``, here and in every getter of a number, if it is no number.
        """
        key = settings.EXPOSURE_TIME_KEY
        return parse_float(key, self.header_data[key]) if self._get_text(key) else None

    def get_instrument_id(self) -> str:
        return self._get_text(settings.INSTRUMENT_ID_KEY)

    def get_site_id(self) -> str:
        return self._get_text(settings.SITE_ID_KEY)

    def get_telescope_id(self) -> str:
        return self._get_text(settings.TELESCOPE_ID_KEY)

    def get_observation_id(self) -> int | None:
        return self._get_integer(settings.OBSERVATION_ID_KEY)

    def get_configuration_id(self) -> int | None:
        return self._get_integer(settings.CONFIGURATION_ID_KEY)

    def get_primary_optical_element(self) -> str:
        return self._get_text(settings.PRIMARY_OPTICAL_ELEMENT_KEY)

    def get_target_name(self) -> str:
        return self._get_text(settings.TARGET_NAME_KEY)

    def get_request_id(self) -> int | None:
        return self._get_integer(settings.REQUEST_ID_KEY)

    def get_requestgroup_id(self) -> int | None:
        return self._get_integer(settings.REQUESTGROUP_ID_KEY)

    def get_configuration_type(self) -> str:
        return self._get_text(settings.CONFIGURATION_TYPE_KEY)

    def get_proposal_id(self) -> str:
        return self._get_text(settings.PROPOSAL_ID_KEY)

    def get_catalog_target_frame(self) -> str:
        """Return the basename of the target's catalogue."""
        return self._get_text(settings.CATALOG_TARGET_FRAME_KEY)

    def get_radius(self) -> Any:
        """Return a circular field's radius in arcsec, as the header writes it."""
        return self.header_data.get(settings.RADIUS_KEY)

    def get_ra(self) -> Any:
        """Return a circular field's right ascension as an hour angle: hours, or ``hh:mm:ss`` text."""
        return self.header_data.get(settings.RA_KEY)

    def get_dec(self) -> Any:
        """Return a circular field's declination: degrees, or ``dd:mm:ss`` text."""
        return self.header_data.get(settings.DEC_KEY)

    def get_thumbnail_frame_basename(self) -> str | None:
        """Return the basename of the frame that a thumbnail shows."""
        return self._get_text(settings.THUMBNAIL_FRAME_BASENAME_KEY) or None

    def get_thumbnail_size(self) -> str:
        """Return a thumbnail's size: small, medium or large."""
        return self._get_text(settings.THUMBNAIL_SIZE_KEY)

    def get_related_frame_keys(self) -> list[str]:
        """Return the keys that hold basenames of related frames."""
        return list(settings.RELATED_FRAME_KEYS)

    def get_related_frames(self) -> dict[str, str]:
        """Return the related frames that are set: basenames, without extension, by header key."""
        frames = {key: self._get_text(key) for key in self.get_related_frame_keys()}
        return {key: basename for key, basename in frames.items() if basename}

    def get_archive_frame_data(self) -> dict[str, Any]:
        """Return the frame's record as it is posted to the archive.

        Raises
        ------
        FileSpecificationException
            If a date or a number is none.
        """
        return {
            "reduction_level": self.get_reduction_level(),
            "observation_day": self.get_observation_day(),
            "observation_date": self.get_observation_date(),
            "proposal_id": self.get_proposal_id(),
            "instrument_id": self.get_instrument_id(),
            "target_name": self.get_target_name(),
            "site_id": self.get_site_id(),
            "telescope_id": self.get_telescope_id(),
            "exposure_time": self.get_exposure_time(),
            "primary_optical_element": self.get_primary_optical_element(),
            "public_date": self.get_public_date(),
            "configuration_type": self.get_configuration_type(),
            "observation_id": self.get_observation_id(),
            "request_id": self.get_request_id(),
            "related_frame_filenames": list(self.get_related_frames().values()),
            "frame_basename": self.get_thumbnail_frame_basename(),
            "size": self.get_thumbnail_size(),
        }
