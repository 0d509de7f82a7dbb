"""Positions on the globe, from satellites. Angles here are degrees, as receivers report them; heights are metres."""

from __future__ import annotations

import math

from horus_runner._core.records import Record
from horus_runner.messages.define import f32, f64, message, u8, u16, u64

EARTH_RADIUS_M = 6_371_008.8  # the mean radius of the WGS 84 ellipsoid
RANGE_ERROR_M = 5.0  # what a receiver with one frequency errs by where its satellites stand best (HDOP 1)


@message
class NavSatFix(Record):
    """Where a satellite receiver is (WGS 84)."""

    __topic_name__ = "gps"

    NO_FIX, FIX, SATELLITE_AUGMENTED, GROUND_AUGMENTED = range(4)

    latitude: f64 = 0.0  # degrees, north is positive
    longitude: f64 = 0.0  # degrees, east is positive
    altitude: f64 = 0.0  # m above the ellipsoid
    timestamp_ns: u64 = 0
    status: u8 = 0  # one of the constants above
    satellites_visible: u16 = 0
    hdop: f32 = math.nan  # horizontal dilution of precision: 1 is the best; NaN when it is not known
    speed: f32 = 0.0  # m/s over ground
    heading: f32 = math.nan  # degrees from north, clockwise; NaN when it is not known

    @classmethod
    def from_coordinates(cls, lat: float, lon: float, alt: float) -> NavSatFix:
        """A fix at that place."""
        return cls(lat, lon, alt, status=cls.FIX)

    def has_fix(self) -> bool:
        return self.status != self.NO_FIX

    def horizontal_accuracy(self) -> float:
        """About how many metres the position is off by: 5 m times `hdop`; NaN when that is not known."""
        return self.hdop * RANGE_ERROR_M

    def distance_to(self, other: NavSatFix) -> float:
        """Metres over the ground along the great circle (haversine; up to 0.6 % off, the earth is no sphere)."""
        here, there = math.radians(self.latitude), math.radians(other.latitude)
        turn = math.radians(other.longitude - self.longitude)
        half = math.sin((there - here) / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin(turn / 2) ** 2
        return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half)))

    def is_valid(self) -> bool:
        """Whether there is a fix, at a place that exists on the globe."""
        there = abs(self.latitude) <= 90 and abs(self.longitude) <= 180 and math.isfinite(self.altitude)
        return there and self.has_fix()
