"""The figures by name, and what each shows (standard library only: the Snakefile and the config take the names).

To add a figure: an entry here, a module that fills its `Page`, and its name in the script that draws it.
"""

from typing import NamedTuple


class Caption(NamedTuple):
    """What a figure shows: in a few words, and for somebody who has only the figure."""

    title: str
    text: str


VARIANT_FIGURES = {
    "threshold": Caption(
        "The thresholded map, over the anatomical template",
        "Suprathreshold voxels are outlined, in black where they are positive and in white where they are negative. "
        "Below the cutoff, opacity falls with the square of value / cutoff.",
    ),
    "regions": Caption(
        "The regions, outlined, with their ids",
        "Ids and colours are the same in every figure and table of the variant; region 1 is the largest.",
    ),
    "glass": Caption(
        "The map seen through the brain from three sides",
        "Each hemisphere from its side, both from behind and from above (in radiological orientation from the front "
        "and from below): a pixel shows the suprathreshold voxel furthest from 0 along the line of sight. Regions that "
        "are named are outlined.",
    ),
    "surface": Caption(
        "The map projected onto the inflated cortex",
        "The inflated cortex of fsaverage5, lateral and medial: a point shows the strongest voxel between its white "
        "and its pial surface. It is a projection: what lies deeper, and the cerebellum, is not seen, and places that "
        "are far apart on it may be close in the brain. Regions that are named are outlined.",
    ),
    "accounting": Caption(
        "Which suprathreshold voxels are in no region, and why",
        "Suprathreshold voxels coloured by outcome: in a region, too small, without a seed, seed only. Those "
        "in no region are outlined.",
    ),
    "pages": Caption(
        "A page per region",
        "Three cuts through the region's peak, its measures and its peaks. True discoveries: at least this share of "
        "the region's voxels is active. Robust: the cutoffs between which the region is the same finding.",
    ),
}
SWEEP_FIGURES = {
    "findings": Caption(
        "Every specification of the sweep, and what each finds",
        "Specifications are sorted by the volume that they keep: number of regions and their volume above, choices "
        "below, and for every finding (a peak that is the main peak of some region) the specifications in which it is "
        "found. It describes what depends on the choices; it infers nothing (Steegen et al. 2016; Simonsohn, Simmons "
        "and Nelson 2020).",
    ),
    "sweep": Caption(
        "Regions over cutoff and smallest size",
        "Number of regions, and size of the largest. Settings of connectivity and signs that find the same share a "
        "panel; numbers mark the variants.",
    ),
    "persistence": Caption(
        "Over which cutoffs each peak stands by itself",
        "A bar ends on the right at the peak's value, and on the left where, as the cutoff falls, it joins a stronger "
        "peak. Positive peaks are yellow, negative ones blue; dashed lines are the cutoffs of the variants. A finding "
        "whose bar ends close to such a line depends on the threshold that was chosen.",
    ),
    "selection_frequency": Caption(
        "Share of the specifications that keep each voxel",
        "The line surrounds the voxels that at least half of them keep.",
    ),
}
SHARED_FIGURES = {
    "dice": Caption(
        "How far every two variants agree",
        "Dice coefficient of the voxels that are in any region, twice the shared ones over the sum of both: 1 where "
        "two variants keep the same voxels, 0 where they share none.",
    ),
}
CAPTIONS = VARIANT_FIGURES | SWEEP_FIGURES | SHARED_FIGURES
