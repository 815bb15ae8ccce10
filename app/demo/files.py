"""Writes planned frames as files (FITS, compressed FITS, catalogues, guide tars): one seed, the same bytes."""

import gzip
import io
import tarfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zlib import crc32

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from app.demo.camera import build_master, take_picture
from app.demo.exposures import Exposure, PlannedFrame, Product
from app.demo.headers import build_header, build_wcs_header
from app.demo.sky import place_stars, star_electrons_per_s
from app.demo.stars import populate

QUANTIZE_LEVEL = 4.0  # steps in the noise's deviation that floats are rounded to: fpack's own choice
TILE_ROWS = 64
GUIDE_FRAMES = 3
GUIDE_SHAPE = (128, 128)
LARGEST_CATALOG = 800
FAINTEST_SIGNAL_TO_NOISE = 8.0


def write_frame(frame: PlannedFrame, folder: Path, seed: int) -> Path:
    """Simulate a frame, write its file into a folder and return the file's path."""
    path = folder / frame.filename
    match frame.product:
        case Product.GUIDE:
            path.write_bytes(_build_guide_tar(frame, seed))
        case Product.CATALOG:
            header = build_header(frame)
            header["EXTNAME"] = "SCI"
            _write(path, fits.PrimaryHDU(header=header), _build_catalog(frame.exposure, seed))
        case Product.MASTER:
            _write_image(path, frame, build_master(frame.exposure, seed))
        case Product.RAW:
            _write_raw(path, frame, take_picture(frame.exposure, seed).raw)
        case Product.REDUCED:
            tables = [_build_catalog(frame.exposure, seed)] if frame.exposure.instrument.catalog == "inside" else []
            _write_image(path, frame, take_picture(frame.exposure, seed).reduced, *tables)
    return path


def _write(path: Path, *hdus: fits.PrimaryHDU | fits.BinTableHDU) -> None:
    fits.HDUList(list(hdus)).writeto(path, overwrite=True)


def _write_image(path: Path, frame: PlannedFrame, pixels: NDArray[np.generic], *tables: fits.BinTableHDU) -> None:
    header = build_header(frame) + build_wcs_header(frame.exposure)
    if path.name.endswith(".fz"):
        _write(path, fits.PrimaryHDU(), _compress(pixels, header, path.name), *tables)
    else:
        _write(path, fits.PrimaryHDU(pixels, header), *tables)


def _compress(pixels: NDArray[np.generic], header: fits.Header, name: str) -> fits.CompImageHDU:
    dither_seed = 1 + crc32(name.encode()) % 10_000  # by itself it would be the clock's
    tiles = {"tile_shape": (TILE_ROWS, pixels.shape[1]), "quantize_level": QUANTIZE_LEVEL, "dither_seed": dither_seed}
    return fits.CompImageHDU(pixels, header, name="SCI", **tiles)


def _write_raw(path: Path, frame: PlannedFrame, pixels: NDArray[np.uint16]) -> None:
    if frame.exposure.instrument.amplifiers == 1:
        _write_image(path, frame, pixels)
        return
    quadrants = [
        _compress(*_cut_quadrant(frame.exposure, pixels, is_right=is_right, is_upper=is_upper), path.name)
        for is_upper in (False, True)
        for is_right in (False, True)
    ]
    _write(path, fits.PrimaryHDU(header=build_header(frame)), *quadrants)


def _cut_quadrant(
    exposure: Exposure, pixels: NDArray[np.uint16], *, is_right: bool, is_upper: bool
) -> tuple[NDArray[np.uint16], fits.Header]:
    """Return what one of four amplifiers, each in its corner, reads: the pixel nearest to it comes first."""
    header = build_wcs_header(exposure)
    sections = []
    for axis, (is_far, size) in enumerate(zip((is_right, is_upper), pixels.shape[::-1], strict=True), start=1):
        half = size // 2
        sections.append(f"{size}:{half + 1}" if is_far else f"1:{half}")
        if is_far:
            pixels = np.flip(pixels, axis=2 - axis)
            if "CRPIX1" in header:
                header[f"CRPIX{axis}"] = size + 1 - header[f"CRPIX{axis}"]
                header[f"CD1_{axis}"] *= -1
                header[f"CD2_{axis}"] *= -1
    rows, columns = (size // 2 for size in pixels.shape)
    header["EXTVER"] = 1 + is_right + 2 * is_upper
    header["DETSEC"] = (f"[{','.join(sections)}]", "[pixel] place on the detector, as read")
    header["DATASEC"] = (f"[1:{columns},1:{rows}]", "[pixel] section with data")
    return np.ascontiguousarray(pixels[:rows, :columns]), header


def _build_catalog(exposure: Exposure, seed: int) -> fits.BinTableHDU:
    """Return the table of the stars on a reduced frame, the brightest first, as a pipeline might have measured them."""
    stars, pixels = populate(exposure.target, exposure.instrument, seed), take_picture(exposure, seed).reduced
    column, row = place_stars(exposure, stars)
    flux = star_electrons_per_s(exposure, stars) * exposure.exposure_time_s
    noise_per_pixel = np.median(pixels) + exposure.instrument.read_noise**2
    error = np.sqrt(flux + 4 * exposure.instrument.fwhm_px**2 * noise_per_pixel)
    inside = (column > 0) & (column < pixels.shape[1] - 1) & (row > 0) & (row < pixels.shape[0] - 1)
    found = np.flatnonzero(inside & (flux > FAINTEST_SIGNAL_TO_NOISE * error))
    found = found[np.argsort(-flux[found], kind="stable")][:LARGEST_CATALOG]
    measured = np.random.default_rng([seed, crc32(exposure.stem.encode())]).normal(flux[found], error[found])
    fits_columns = [
        fits.Column("x", "D", "pixel", array=column[found] + 1),
        fits.Column("y", "D", "pixel", array=row[found] + 1),
        fits.Column("ra", "D", "deg", array=stars.ra_deg[found]),
        fits.Column("dec", "D", "deg", array=stars.dec_deg[found]),
        fits.Column("flux", "E", "electron", array=measured),
        fits.Column("fluxerr", "E", "electron", array=error[found]),
    ]
    return fits.BinTableHDU.from_columns(fits_columns, name="CAT")


def _build_guide_tar(frame: PlannedFrame, seed: int) -> bytes:
    """Return a compressed tar with images that the guide camera took during the exposure."""
    instrument = replace(frame.exposure.instrument, shape=GUIDE_SHAPE, is_spectrograph=False)
    guiding = replace(frame.exposure, instrument=instrument, configuration_type="EXPOSE", exposure_time_s=5.0, band="V")
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for number in range(1, GUIDE_FRAMES + 1):
            start = guiding.start + timedelta(minutes=number)
            exposure = replace(guiding, start=start, number=10 * guiding.number + number)
            header = build_header(replace(frame, exposure=exposure)) + build_wcs_header(exposure)
            image = io.BytesIO()
            fits.PrimaryHDU(take_picture(exposure, seed).raw, header).writeto(image)
            member = tarfile.TarInfo(f"{frame.basename}/{exposure.stem}-g00.fits")
            member.size, member.mtime = image.tell(), int(start.timestamp())
            image.seek(0)
            tar.addfile(member, image)
    return packed.getvalue()
