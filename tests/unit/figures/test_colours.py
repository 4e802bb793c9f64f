import numpy as np
import pytest

from statmap.figures.colours import DIVERGING, REGIONS, SEQUENTIAL, lightness, ramp, region_colours, rgb


def test_regions_keep_their_colours_however_many_there_are():
    many = region_colours(100)
    assert many[:7] == region_colours(7)
    assert len(set(many[:32])) == 32
    assert {colour for colour, _ in many} == set(REGIONS)


# What a colour-blind eye is left with, in linear RGB: Machado, Oliveira & Fernandes 2009, severity 1.
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def linear(colour):
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def lab(light):
    """CIE Lab of linear RGB."""
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    x, y, z = np.cbrt(np.clip(light @ np.transpose(to_xyz) / [0.95047, 1, 1.08883], 1e-4, None)).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


@pytest.mark.parametrize("eye", [None, *BLINDNESS])
def test_region_colours_are_told_apart_by_every_eye(eye):
    light = linear(np.stack([rgb(colour) for colour in REGIONS]))
    seen = lab(light if eye is None else np.clip(light @ np.transpose(BLINDNESS[eye]), 0, 1))
    apart = np.linalg.norm(seen[:, None] - seen, axis=-1) + 1e3 * np.eye(len(seen))
    assert apart.min() > 15


def test_colours_survive_a_grey_print():
    shades = np.sort([lightness(rgb(colour)) for colour in REGIONS])
    assert np.diff(shades).min() > 9
    for colours in (DIVERGING, SEQUENTIAL):
        assert np.diff(lightness(ramp(colours, np.linspace(0, 1, 101)))).min() > -0.5
    assert lightness(rgb(DIVERGING[1])) + 25 < lightness(rgb(DIVERGING[4])) < lightness(rgb(DIVERGING[-2])) - 20
