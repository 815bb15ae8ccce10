"""The demo's files hold what their names and headers say, and `ocs_archive` takes them."""

import datetime as dt

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from app.demo.exposures import Product
from app.demo.files import write_frame
from app.demo.night_log import PROPRIETARY_PROPOSAL, PUBLIC_PROPOSAL, plan_nights
from app.demo.stars import populate
from ocs_archive.input.file import File
from ocs_archive.input.filefactory import FileFactory

SEED = 1
FRAMES = plan_nights(dt.date(2024, 11, 20), SEED)
EVERY_KIND = {
    (frame.product, frame.exposure.instrument.code, frame.exposure.configuration_type): frame for frame in FRAMES
}.values()
IMAGES = [frame for frame in FRAMES if frame.exposure.configuration_type == "EXPOSE"]
EVERY_CAMERA = {frame.exposure.instrument.code: frame for frame in IMAGES if frame.product is Product.REDUCED}.values()
SHOWN_TYPES = {Product.CATALOG: "CATALOG", Product.GUIDE: "GUIDE"}
BOX_PX = 5


def find_image(product, **wanted):
    return next(
        frame
        for frame in IMAGES
        if frame.product is product and all(getattr(frame.exposure, name) == value for name, value in wanted.items())
    )


def find_image_of(name, product=Product.REDUCED):
    return next(frame for frame in IMAGES if frame.exposure.target.name == name and frame.product is product)


def read_record(path):
    with path.open("rb") as opened:
        file = File(opened, path.name)
        data_file = FileFactory.get_datafile_class_for_extension(file.extension)(file)
        return data_file.get_header_data().get_archive_frame_data(), data_file.get_wcs_corners()


def read_image(path):
    with fits.open(path) as hdus:
        image = next(hdu for hdu in hdus if hdu.is_image and hdu.data is not None)
        return image.data.astype(float), WCS(image.header)


def find_lone_stars(frame, wcs, shape):
    """Return pixel positions of the brightest stars that no other disturbs, and that the detector can take."""
    stars = populate(frame.exposure.target, frame.exposure.instrument, SEED)
    positions = np.column_stack(wcs.wcs_world2pix(stars.ra_deg, stars.dec_deg, 0))
    positions, magnitudes = positions[np.argsort(stars.magnitude)], np.sort(stars.magnitude)
    rows, columns = shape
    for position, magnitude in zip(positions, magnitudes, strict=True):
        distance = np.hypot(*(positions - position).T)
        rivals = (distance > 0) & (distance < 4 * BOX_PX) & (magnitudes < magnitude + 3)
        if not rivals.any() and np.all(position > 20) and position[0] < columns - 20 and position[1] < rows - 20:
            yield position


def measure_centre(pixels, position):
    """Return the centre of light in a box around a position."""
    column, row = np.rint(position).astype(int)
    box = pixels[row - BOX_PX : row + BOX_PX + 1, column - BOX_PX : column + BOX_PX + 1]
    light = (box - np.median(np.concatenate([box[0], box[-1], box[:, 0], box[:, -1]]))).clip(0)
    y, x = np.mgrid[row - BOX_PX : row + BOX_PX + 1, column - BOX_PX : column + BOX_PX + 1]
    return np.array([(light * x).sum(), (light * y).sum()]) / light.sum()


@pytest.mark.parametrize("frame", EVERY_KIND, ids=lambda frame: frame.filename)
def test_ocs_archive_takes_every_kind_of_frame(frame, tmp_path):
    record, area = read_record(write_frame(frame, tmp_path, SEED))
    exposure = frame.exposure
    assert record["configuration_type"] == SHOWN_TYPES.get(frame.product, exposure.configuration_type)
    assert record["reduction_level"] == (0 if frame.product in {Product.RAW, Product.GUIDE} else 91)
    assert record["observation_day"] == f"{exposure.night:%Y%m%d}"
    assert record["telescope_id"] == exposure.instrument.telescope.code
    assert record["observation_id"] == exposure.block
    assert set(record["related_frame_filenames"]) == {name.partition(".")[0] for _key, name in frame.related}
    is_image = exposure.configuration_type == "EXPOSE" and frame.product is not Product.CATALOG
    assert (area is not None) == (is_image or frame.product is Product.GUIDE)


def test_one_proposal_is_public_and_one_is_not(tmp_path):
    public_dates = {
        proposal: read_record(write_frame(find_image(Product.RAW, proposal=proposal), tmp_path, SEED))[0]["public_date"]
        for proposal in (PUBLIC_PROPOSAL, PROPRIETARY_PROPOSAL)
    }
    assert public_dates[PUBLIC_PROPOSAL] < "2024-11-22"
    assert public_dates[PROPRIETARY_PROPOSAL] > "2025-01-01"


@pytest.mark.parametrize("frame", EVERY_CAMERA, ids=lambda frame: frame.exposure.instrument.code)
def test_stars_are_where_the_wcs_says(frame, tmp_path):
    pixels, wcs = read_image(write_frame(frame, tmp_path, SEED))
    offsets = [
        measure_centre(pixels, position) - position
        for position, _ in zip(find_lone_stars(frame, wcs, pixels.shape), range(5), strict=False)
    ]
    assert len(offsets) == 5
    assert np.abs(np.median(offsets, axis=0)).max() < 0.2


def test_the_quadrants_of_a_mosaic_fit_together(tmp_path):
    raw = next(frame for frame in IMAGES if frame.exposure.instrument.amplifiers == 4)
    reduced = next(frame for frame in IMAGES if frame.exposure == raw.exposure and frame.product is Product.REDUCED)
    whole, wcs = read_image(write_frame(reduced, tmp_path, SEED))
    with fits.open(write_frame(raw, tmp_path, SEED)) as hdus:
        quadrants = [(hdu.header["DETSEC"], hdu.data.astype(float), WCS(hdu.header)) for hdu in hdus[1:]]
    assert len(quadrants) == 4
    for section, pixels, quadrant_wcs in quadrants:
        (x, x_end), (y, y_end) = (map(int, part.split(":")) for part in section.strip("[]").split(","))
        np.testing.assert_allclose(quadrant_wcs.wcs_pix2world(1, 1, 1), wcs.wcs_pix2world(x, y, 1), atol=1e-9)
        np.testing.assert_allclose(
            quadrant_wcs.wcs_pix2world(256, 256, 1), wcs.wcs_pix2world(x_end, y_end, 1), atol=1e-9
        )
        columns, rows = (np.linspace(begin, end, 256).astype(int) - 1 for begin, end in ((x, x_end), (y, y_end)))
        same_sky = whole[np.ix_(rows, columns)]
        assert np.corrcoef(np.log(pixels).ravel(), np.log(same_sky).ravel())[0, 1] > 0.8


def test_a_frame_lies_across_ra_0_and_one_contains_the_pole(tmp_path):
    _record, area = read_record(write_frame(find_image_of("NGC 7789"), tmp_path, SEED))
    ras = [ra for ra, _dec in area["coordinates"][0]]
    assert min(ras) < 5
    assert max(ras) > 355
    pixels, wcs = read_image(write_frame(find_image_of("Polaris"), tmp_path, SEED))
    column, row = wcs.wcs_world2pix(0, 90, 0)
    assert 0 < column < pixels.shape[1]
    assert 0 < row < pixels.shape[0]


def test_a_catalogue_lists_stars_of_its_image(tmp_path):
    catalog = find_image_of("M57", Product.CATALOG)
    image = next(frame for frame in IMAGES if frame.exposure == catalog.exposure and frame.product is Product.REDUCED)
    pixels, wcs = read_image(write_frame(image, tmp_path, SEED))
    with fits.open(write_frame(catalog, tmp_path, SEED)) as hdus:
        assert hdus[0].name == "SCI"
        table = hdus["CAT"].data
    assert len(table) > 100
    assert table["flux"][:20].min() > table["flux"][-20:].max()
    np.testing.assert_allclose(wcs.wcs_world2pix(table["ra"], table["dec"], 1), (table["x"], table["y"]), atol=1e-6)
    peaks = pixels[np.rint(table["y"]).astype(int) - 1, np.rint(table["x"]).astype(int) - 1]
    assert np.all(peaks[:50] > 1.5 * np.median(pixels))


def test_a_reduced_frame_may_hold_its_catalogue(tmp_path):
    frame = next(frame for frame in EVERY_CAMERA if frame.exposure.instrument.catalog == "inside")
    with fits.open(write_frame(frame, tmp_path, SEED)) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI", "CAT"]


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    frames = {(frame.product, frame.filename.partition(".")[2]): frame for frame in EVERY_KIND}.values()
    first, again, other = (
        [write_frame(frame, tmp_path, seed).read_bytes() for frame in frames] for seed in (SEED, SEED, SEED + 1)
    )
    assert first == again
    assert not set(first) & set(other)


def test_reduction_takes_away_what_the_detector_added(tmp_path):
    raw = find_image_of("Polaris", Product.RAW)
    reduced = next(frame for frame in IMAGES if frame.exposure == raw.exposure and frame.product is Product.REDUCED)
    dark = next(
        frame
        for frame in FRAMES
        if frame.product is Product.MASTER
        and frame.exposure.configuration_type == "DARK"
        and frame.exposure.instrument == raw.exposure.instrument
    )
    is_hot = (read_image(write_frame(dark, tmp_path, SEED))[0] > 20)[:, :-2]
    glow = {}
    for frame in (raw, reduced):
        pixels, _wcs = read_image(write_frame(frame, tmp_path, SEED))
        glow[frame.product] = np.median((pixels[:, :-2] - pixels[:, 2:])[is_hot])
    assert glow[Product.RAW] > 1000
    assert abs(glow[Product.REDUCED]) < 50
