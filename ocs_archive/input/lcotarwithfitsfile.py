"""Tar files of Las Cumbres Observatory, such as a spectrograph's data products of one exposure."""

import re

from ocs_archive.input.lcofitsfile import LcoFitsFile
from ocs_archive.input.tarwithfitsfile import TarWithFitsFile


class LcoTarWithFitsFile(TarWithFitsFile, LcoFitsFile):
    """A tar file of LCO, whose headers are those of the raw or reduced frame inside."""

    metadata_member = re.compile(r"e(00|90|91)\.fits")
