"""The demo's targets: well-known objects at their true ICRS coordinates, and what they look like."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """An object on the sky: degrees, arcminutes, magnitudes (V).

    `size_arcmin` is its longest diameter (of a cluster, its half-light diameter), `surface_brightness` the magnitude
    of a square arcsecond at a typical place, `star_density` the other stars brighter than V = 15 per square degree.
    """

    name: str
    ra_deg: float
    dec_deg: float
    kind: str
    size_arcmin: float
    axis_ratio: float
    position_angle_deg: float
    surface_brightness: float
    star_density: float
    filters: tuple[str, ...]
    instruments: tuple[str, ...]


# fmt: off
# name, RA, Dec, kind, size, axis ratio, position angle, brightness, star density, filters, instruments
TARGETS: tuple[Target, ...] = (
    Target("M31", 10.6847, 41.2688, "spiral", 178, 0.30, 35, 20.6, 500, ("B", "rp", "zs"), ("wf03",)),
    Target("M51", 202.4696, 47.1952, "spiral", 9.5, 0.85, 163, 20.7, 90, ("gp", "rp", "H-Alpha"), ("ci01",)),
    Target("M83", 204.2538, -29.8654, "barred spiral", 12.5, 0.92, 45, 20.9, 250,
           ("gp", "rp", "H-Alpha"), ("mo04", "ci05")),
    Target("NGC 253", 11.8880, -25.2882, "spiral", 26, 0.24, 52, 20.4, 90, ("B", "ip"), ("mo04", "wf06")),
    Target("M104", 189.9976, -11.6231, "sombrero", 8.5, 0.55, 90, 20.2, 130, ("B", "ip"), ("ci01", "mo04")),
    Target("M87", 187.7059, 12.3911, "elliptical", 7.1, 0.88, 153, 21.0, 90, ("gp", "zs"), ("ci01",)),
    Target("M13", 250.4235, 36.4613, "globular", 3.4, 1.0, 0, 18.2, 160, ("up", "gp", "ip"), ("ci01",)),
    Target("NGC 5139", 201.6970, -47.4796, "globular", 10.0, 1.0, 0, 18.9, 700, ("B", "V"), ("wf06", "ci05")),
    Target("NGC 104", 6.0236, -72.0813, "globular", 6.4, 1.0, 0, 18.6, 200, ("B", "V"), ("mo04", "wf06")),
    Target("NGC 7789", 359.3350, 56.7080, "open cluster", 14, 1.0, 0, 0, 1000, ("B", "V"), ("wf03",)),
    Target("M45", 56.7500, 24.1167, "reflection nebula", 60, 1.0, 0, 21.5, 350, ("B", "V"), ("wf03",)),
    Target("M42", 83.8221, -5.3911, "nebula", 60, 0.75, 20, 20.2, 400, ("V", "rp", "H-Alpha"),
           ("wf03", "wf06", "ci05")),
    Target("NGC 3372", 161.2650, -59.8667, "nebula", 80, 0.9, 120, 19.9, 2500, ("B", "H-Alpha", "zs"), ("wf06",)),
    Target("M57", 283.3963, 33.0292, "ring nebula", 1.5, 0.75, 60, 20.9, 800, ("V", "rp"), ("ci01", "en02")),
    Target("M27", 299.9016, 22.7210, "dumbbell nebula", 7.6, 0.8, 30, 19.8, 1800, ("V", "H-Alpha"), ("ci01",)),
    Target("NGC 7293", 337.4107, -20.8372, "ring nebula", 15, 0.8, 120, 20.8, 130, ("gp", "H-Alpha"), ("mo04", "ci05")),
    Target("M1", 83.6331, 22.0145, "supernova remnant", 6.6, 0.66, 130, 20.2, 900, ("rp", "H-Alpha"), ("ci01",)),
    Target("Polaris", 37.9546, 89.2641, "star", 0, 1.0, 0, 0, 300, ("V", "rp"), ("wf03", "en02")),
)
# fmt: on

NO_TARGET = Target("", 0, 0, "none", 0, 1, 0, 0, 0, (), ())

#: Stars bright enough that a picture of the target without them would look wrong: RA, Dec (ICRS degrees), V.
NAMED_STARS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "Polaris": ((37.9546, 89.2641, 2.0),),
    "M45": (
        (56.8712, 24.1051, 2.9),  # Alcyone
        (57.2906, 24.0534, 3.6),  # Atlas
        (56.2189, 24.1133, 3.7),  # Electra
        (56.4567, 24.3677, 3.9),  # Maia
        (56.5816, 23.9484, 4.2),  # Merope
        (56.3021, 24.4673, 4.3),  # Taygeta
        (57.2967, 24.1367, 5.1),  # Pleione
        (56.2009, 24.2895, 5.5),  # Celaeno
        (56.4770, 24.5545, 5.8),  # Asterope
    ),
    "M42": ((83.8186, -5.3897, 5.1), (83.8454, -5.4161, 5.0), (83.8163, -5.3873, 6.7), (83.7610, -5.2673, 6.8)),
}
