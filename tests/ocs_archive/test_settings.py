"""Settings are read when they are asked for, and may be patched as observatories' tests do."""

from unittest import mock

import pytest

from ocs_archive.input import file
from ocs_archive.input.headerdata import HeaderData
from ocs_archive.settings import SETTINGS, SettingError, settings


def test_settings_follow_the_environment(monkeypatch):
    assert settings.DAYS_UNTIL_PUBLIC == 365
    monkeypatch.setenv("DAYS_UNTIL_PUBLIC", "7")
    assert settings.DAYS_UNTIL_PUBLIC == 7


def test_lists_are_split_at_commas(monkeypatch):
    monkeypatch.setenv("CALIBRATION_TYPES", " BIAS , DARK,,")
    assert list(settings.CALIBRATION_TYPES) == ["BIAS", "DARK"]


def test_attribute_can_be_patched_by_either_name():
    with mock.patch("ocs_archive.settings.settings.TARGET_NAME_KEY", "NAME"):
        assert HeaderData({"NAME": "M84"}).get_target_name() == "M84"
    with mock.patch("ocs_archive.input.file.settings.TARGET_NAME_KEY", "NAME"):
        assert file.settings.TARGET_NAME_KEY == "NAME"
    assert HeaderData({"NAME": "M84"}).get_target_name() == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("DAYS_UNTIL_PUBLIC", "soon"), ("FILETYPE_MAPPING_OVERRIDES", "not a dict"), ("FILETYPE_MAPPING_OVERRIDES", "[]")],
)
def test_unreadable_value_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=name):
        getattr(settings, name)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="NO_SUCH"):
        _ = settings.NO_SUCH


@pytest.mark.parametrize("name", SETTINGS)
def test_every_default_can_be_read(name):
    assert getattr(settings, name) is not None
