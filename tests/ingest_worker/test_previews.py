"""Previews: what is drawn, which way up, and what becomes of files that cannot be drawn."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from ingest_worker.previews import PreviewError, build_previews

DEGREES_PER_PIXEL = 1e-4


def write(path: Path, *hdus) -> Path:
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def draw(path: Path, size: str = "large") -> np.ndarray:
    """Grey values as they are seen: row 0 is at the top."""
    (preview,) = [preview for preview in build_previews(path) if preview.size == size]
    image = Image.open(io.BytesIO(preview.jpeg))
    assert image.format == "JPEG"
    assert image.size == (preview.width, preview.height)
    return np.asarray(image, float)


def make_sky(shape: tuple[int, int] = (300, 400)) -> np.ndarray:
    """Noise, and a star at a third of the width and height."""
    sky = np.random.default_rng(seed=1).normal(1000, 20, shape)
    sky[shape[0] // 3 - 5 : shape[0] // 3 + 5, shape[1] // 3 - 5 : shape[1] // 3 + 5] = 30_000
    return sky.round().astype(np.int16)


def make_wcs(angle_deg: float, mirrored: bool, ra: float = 120.0, dec: float = 40.0, shape=(300, 400)) -> WCS:
    angle = np.radians(angle_deg)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    wcs.wcs.cd = np.diag([1 if mirrored else -1, 1]) @ rotation * DEGREES_PER_PIXEL
    return wcs


def make_compass(wcs: WCS) -> np.ndarray:
    """Noise, one star 100 pixels north of the centre and one 60 pixels east of it."""
    sky = np.random.default_rng(seed=1).normal(1000, 20, (300, 400))
    centre = SkyCoord(*wcs.wcs.crval, unit="deg")
    for position_angle_deg, pixels in ((0, 100), (90, 60)):
        star = centre.directional_offset_by(position_angle_deg * u.deg, pixels * DEGREES_PER_PIXEL * u.deg)
        x, y = (int(np.rint(value)) for value in wcs.world_to_pixel(star))
        sky[y - 2 : y + 3, x - 2 : x + 3] = 30_000
    return sky


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle_deg", [0, 0.7, 33, 90, 180, 270.5, 300])
@pytest.mark.parametrize(("ra", "dec"), [(120, 40), (0.001, -70), (200, 89.98)])
def test_north_is_up_and_east_is_left(tmp_path, angle_deg, mirrored, ra, dec):
    wcs = make_wcs(angle_deg, mirrored, ra, dec)
    picture = draw(write(tmp_path / "a.fits", fits.ImageHDU(make_compass(wcs), wcs.to_header())))
    down, right = (np.argwhere(picture > 200) - (np.array(picture.shape) - 1) / 2).T
    is_north = (abs(right) < 8) & (abs(down + 100) < 8)
    is_east = (abs(right + 60) < 8) & (abs(down) < 8)
    assert is_north.any()
    assert is_east.any()
    assert (is_north | is_east).all()


@pytest.mark.parametrize("angle_deg", [0, 0.9, 89.2, 180, 270])
def test_a_right_angle_makes_no_corners(tmp_path, angle_deg):
    header = make_wcs(angle_deg, mirrored=True).to_header()
    picture = draw(write(tmp_path / "a.fits", fits.ImageHDU(make_sky(), header)))
    assert sorted(picture.shape) == [300, 400]


@pytest.mark.parametrize(
    "cards",
    [
        {},
        {"CRVAL1": 10.0, "CD1_1": 1e-4, "CD2_2": 1e-4},
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CD1_1": 0.0, "CD2_2": 0.0},
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL2": 99.0, "CD1_1": 1e-4, "CD2_2": 1e-4},
        {"CTYPE1": "RA---TAN", "CTYPE2": "LINEAR", "CD1_1": 1e-4, "CD2_2": 1e-4},
        {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN", "CD1_1": 1e-4, "CD2_2": 1e-4},
        {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "CD1_1": 1e-4, "CD2_2": 1e-4, "A_ORDER": "x"},
    ],
)
def test_without_a_usable_wcs_the_first_row_is_at_the_bottom(tmp_path, cards):
    picture = draw(write(tmp_path / "a.fits", fits.ImageHDU(make_sky(), fits.Header(cards))))
    assert picture.shape == (300, 400)
    assert picture[200, 133] > 240
    assert picture[100, 133] < 200


@pytest.mark.parametrize(
    ("shape", "large", "small"),
    [
        ((4096, 4096), (1024, 1024), (256, 256)),
        ((1500, 3000), (512, 1024), (128, 256)),
        ((2200, 1100), (1024, 512), (256, 128)),
        ((300, 400), (300, 400), (192, 256)),
        ((12, 20), (144, 240), (144, 240)),  # each pixel 12 × 12
        ((5, 2027), (32, 1024), (8, 256)),  # a strip is widened
        ((2027, 2), (1024, 32), (256, 8)),
        ((1, 2048), (384, 1024), (96, 256)),  # a line is plotted
    ],
)
def test_sizes(tmp_path, shape, large, small):
    pixels = np.random.default_rng(seed=1).normal(0, 1, shape).astype(np.float32)
    path = write(tmp_path / "a.fits", fits.ImageHDU(pixels))
    assert draw(path, "large").shape == large
    assert draw(path, "small").shape == small


def test_both_the_noise_of_the_sky_and_bright_stars_are_seen(tmp_path):
    picture = draw(write(tmp_path / "a.fits", fits.ImageHDU(make_sky())))
    sky = picture[:150]
    assert 30 < np.median(sky) < 130
    assert 4 < sky.std() < 50
    assert picture[195:205, 128:138].min() > 240


def test_a_spectrum_is_plotted(tmp_path):
    flux = np.where(np.arange(3000) < 1500, 1.0, 5.0).astype(np.float32)
    picture = draw(write(tmp_path / "a.fits", fits.ImageHDU(flux)))
    line = picture.argmax(axis=0)
    assert line[:500].min() > 350
    assert line[530:].max() < 30


@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_2", "HCOMPRESS_1"])
def test_a_compressed_image_looks_like_the_plain_one(tmp_path, compression):
    header = make_wcs(33, mirrored=False).to_header()
    plain = write(tmp_path / "a.fits", fits.ImageHDU(make_sky(), header))
    packed = fits.CompImageHDU(make_sky(), header, compression_type=compression, tile_shape=(25, 400))
    assert build_previews(write(tmp_path / "a.fits.fz", packed)) == build_previews(plain)


def test_of_a_cube_the_first_plane_is_drawn(tmp_path):
    cube = np.stack([make_sky(), make_sky()[::-1]])[np.newaxis]
    flat = build_previews(write(tmp_path / "flat.fits", fits.ImageHDU(make_sky())))
    assert build_previews(write(tmp_path / "cube.fits", fits.ImageHDU(cube))) == flat
    assert build_previews(write(tmp_path / "cube.fits.fz", fits.CompImageHDU(cube))) == flat
    assert build_previews(write(tmp_path / "one.fits", fits.ImageHDU(make_sky()[np.newaxis]))) == flat


@pytest.mark.parametrize(("bscale", "bzero"), [(1, 32768), (0.5, 100)])
def test_scaled_integers_look_like_floats(tmp_path, bscale, bzero):
    floats = fits.ImageHDU(make_sky().astype(np.float32))
    scaled = fits.ImageHDU(make_sky().astype(np.float32))
    scaled.scale("int32", bscale=bscale, bzero=bzero)
    expected = build_previews(write(tmp_path / "float.fits", floats))
    assert build_previews(write(tmp_path / "int.fits", scaled)) == expected


def test_pixels_without_a_value_are_dark_and_do_not_spoil_their_neighbours(tmp_path):
    sky = make_sky((2048, 2048))
    sky[:200] = -32768
    sky[1000::2, 1000::2] = -32768
    blank = draw(write(tmp_path / "int.fits", fits.ImageHDU(sky, fits.Header({"BLANK": -32768}))))
    floats = np.where(sky == -32768, np.nan, sky).astype(np.float32)
    floats[1000::4, 1000::2] = np.inf
    nan = draw(write(tmp_path / "float.fits", fits.ImageHDU(floats)))
    np.testing.assert_array_equal(blank, nan)
    assert blank[-90:].max() < 35
    assert np.median(blank[:400, 600:]) > 35


def test_a_constant_image_is_even(tmp_path):
    assert np.ptp(draw(write(tmp_path / "a.fits", fits.ImageHDU(np.full((60, 80), 7.0))))) == 0


def test_a_mask_shows_its_few_flagged_pixels(tmp_path):
    mask = np.zeros((300, 400), np.uint8)
    mask[100:110, 100:110] = 1
    picture = draw(write(tmp_path / "a.fits", fits.ImageHDU(mask, name="BPM")))
    assert picture[195, 105] > 240
    assert np.median(picture) < 10


def cut(sky: np.ndarray, x: slice, y: slice, flip_x: bool, flip_y: bool, bias: int) -> fits.ImageHDU:
    """Read part of a detector out as an amplifier does: in its own direction, with bias and overscan."""
    part = sky[y, x][:: -1 if flip_y else 1, :: -1 if flip_x else 1] + bias
    x_range, y_range = (
        f"{axis.stop}:{axis.start + 1}" if flip else f"{axis.start + 1}:{axis.stop}"
        for axis, flip in ((x, flip_x), (y, flip_y))
    )
    height, width = part.shape
    header = fits.Header({"DETSEC": f"[{x_range},{y_range}]", "DATASEC": f"[11:{width + 10},1:{height}]"})
    return fits.ImageHDU(np.pad(part, ((0, 4), (10, 20)), constant_values=bias), header)


def make_amplifiers(sky: np.ndarray) -> list[fits.ImageHDU]:
    low, high = slice(0, 1024), slice(1024, 2048)
    return [
        cut(sky, high, low, True, False, 300),
        cut(sky, low, low, False, False, 500),
        cut(sky, low, high, False, True, 100),
        cut(sky, high, high, True, True, 900),
    ]


def test_amplifiers_are_put_together_by_detsec(tmp_path):
    sky = make_sky((2048, 2048))
    whole = draw(write(tmp_path / "whole.fits", fits.ImageHDU(sky)))
    mosaic = draw(write(tmp_path / "mosaic.fits", *make_amplifiers(sky)))
    assert mosaic.shape == whole.shape
    assert abs(mosaic - whole).mean() < 2


def test_binned_amplifiers_are_put_together_by_detsec(tmp_path):
    sky = make_sky((2048, 2048))
    amplifiers = make_amplifiers(sky)
    for amplifier in amplifiers:  # DETSEC counts unbinned pixels
        amplifier.data = amplifier.data[0:1024:4, 10:1034:4]
        del amplifier.header["DATASEC"]
    binned = draw(write(tmp_path / "binned.fits", *amplifiers))
    assert binned.shape == (512, 512)
    assert binned[512 - 171, 171] > 200


def test_a_mosaic_is_turned_by_the_wcs_of_an_amplifier_read_out_backwards(tmp_path):
    sky = make_sky((2048, 2048))
    wcs = make_wcs(90, mirrored=False, shape=(2048, 2048))
    whole = draw(write(tmp_path / "whole.fits", fits.ImageHDU(sky, wcs.to_header())))
    amplifiers = make_amplifiers(sky)
    wcs.wcs.cd = wcs.wcs.cd @ np.diag([-1, 1])
    amplifiers[0].header.update(wcs.to_header())
    assert abs(draw(write(tmp_path / "mosaic.fits", *amplifiers)) - whole).mean() < 2


def test_a_mosaic_is_turned_by_the_wcs_of_its_primary_header(tmp_path):
    sky = make_sky((2048, 2048))
    header = make_wcs(90, mirrored=False, shape=(2048, 2048)).to_header()
    whole = draw(write(tmp_path / "whole.fits", fits.ImageHDU(sky, header)))
    fits.HDUList([fits.PrimaryHDU(header=header), *make_amplifiers(sky)]).writeto(tmp_path / "mosaic.fits")
    assert abs(draw(tmp_path / "mosaic.fits") - whole).mean() < 2


def test_images_without_detsec_stand_in_a_grid_in_reading_order(tmp_path):
    chips = [np.random.default_rng(number).normal(100, 5, (200, 200)) for number in range(3)]
    chips[0][90:110, 90:110] = 9000
    picture = draw(write(tmp_path / "a.fits", *map(fits.ImageHDU, chips)))
    assert picture.shape == (404, 404)
    assert picture[100, 100] > 240
    assert picture[304, 304] < 35  # a fourth there is not


@pytest.mark.parametrize("names", [("SCI", "BPM", "ERR"), ("BPM", "IMAGE"), ("OTHER", "SCI")])
def test_only_the_science_image_is_drawn(tmp_path, names):
    alone = build_previews(write(tmp_path / "alone.fits", fits.ImageHDU(make_sky())))
    images = [
        fits.ImageHDU(make_sky() if name in {"SCI", "IMAGE"} else make_sky()[:, ::-1], name=name) for name in names
    ]
    assert build_previews(write(tmp_path / "all.fits", *images)) == alone


def test_a_file_without_a_picture_has_no_preview(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("flux", "E", array=[1.0, 2.0])])
    sky = fits.ImageHDU(make_sky())
    assert build_previews(write(tmp_path / "catalogue.fits", table)) == []
    assert build_previews(write(tmp_path / "nothing.fits")) == []
    assert build_previews(write(tmp_path / "nan.fits", fits.ImageHDU(np.full((50, 50), np.nan)))) == []
    assert build_previews(write(tmp_path / "gzipped.fits.gz", sky)) == []


@pytest.mark.parametrize("name", ["a.jpg", "a.pdf", "a.tar", "a.tar.gz"])
def test_a_file_that_is_no_fits_has_no_preview(tmp_path, name):
    (tmp_path / name).write_bytes(b"\xff\xd8 anything")
    assert build_previews(tmp_path / name) == []


def write_cards(path: Path, **cards) -> Path:
    """Write a primary header with the given cards, and no data."""
    header = fits.Header([("SIMPLE", True), ("BITPIX", -32), *cards.items()])
    path.write_text(header.tostring())
    return path


def write_damaged(folder: Path, damage: str) -> Path:
    path = folder / "damaged.fits"
    match damage:
        case "empty":
            path.touch()
        case "junk":
            path.write_bytes(b"junk" * 1000)
        case "only a header":
            write_cards(path, NAXIS=2, NAXIS1=100, NAXIS2=100)
        case "cut short":
            write(path, fits.ImageHDU(make_sky()))
            path.write_bytes(path.read_bytes()[:-100_000])
        case "a row of 4 GB":
            with write_cards(path, NAXIS=2, NAXIS1=10**9, NAXIS2=1).open("ab") as file:
                file.truncate(2880 + 4 * 10**9)
        case "a milliard of axes":
            write_cards(path, NAXIS=10**9)
        case "damaged tiles":
            write(path, fits.CompImageHDU(make_sky(), compression_type="GZIP_1"))
            content = bytearray(path.read_bytes())
            content[-50_000:-20_000:7] = bytes(len(content[-50_000:-20_000:7]))
            path.write_bytes(content)
        case "a missing file":
            pass
    return path


@pytest.mark.parametrize(
    "damage",
    [
        "empty",
        "junk",
        "only a header",
        "cut short",
        "a row of 4 GB",
        "a milliard of axes",
        "damaged tiles",
        "a missing file",
    ],
)
def test_a_damaged_file_raises_an_error_that_names_it(tmp_path, damage):
    with pytest.raises(PreviewError, match=r"^No preview of damaged\.fits: \S"):
        build_previews(write_damaged(tmp_path, damage))


def test_absurd_detsecs_are_refused(tmp_path):
    near, far = (fits.Header({"DETSEC": f"[{start}:{start + 99},1:100]"}) for start in (1, 900_000_000))
    images = [fits.ImageHDU(np.ones((100, 100)), header) for header in (near, far)]
    with pytest.raises(PreviewError, match="DETSEC"):
        build_previews(write(tmp_path / "a.fits", *images))


PEAK_MEMORY_SCRIPT = """
import re, sys
from pathlib import Path
from ingest_worker.previews import build_previews
assert len(build_previews(Path(sys.argv[1]))) == 2
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells its peak memory on Linux only")
def test_a_large_image_is_drawn_in_little_memory(tmp_path):
    # VmHWM and not ru_maxrss, which a child process takes over from the one that started it.
    path = write_cards(tmp_path / "a.fits", NAXIS=2, NAXIS1=7000, NAXIS2=7000)
    with path.open("ab") as file:  # 196 MB of zeros that take no room on the disk
        file.truncate(2880 + 4 * 7000**2)
    command = [sys.executable, "-c", PEAK_MEMORY_SCRIPT, str(path)]
    peak_kb = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert int(peak_kb) < 150_000
