import numpy as np
import pytest
from drawn import collisions, pixels, words

from statmap.figures.page import Image, Lines
from statmap.figures.specification_curve import BESIDE, LEFT, MOST_FINDINGS, specification_figure
from statmap.figures.text import DPI

SCALE = DPI / 72


def specifications(cutoffs, sizes=(0, 1500), connectivities=(6, 26)):
    return [
        {"connectivity": connectivity, "signs": "split", "threshold": str(cutoff), "cutoff": cutoff}
        | {"min_region_size": size, "n_regions": int(40 / cutoff), "volume_mm3": 9e4 / cutoff + size + connectivity}
        for connectivity in connectivities
        for cutoff in cutoffs
        for size in sizes
    ]


def finding(number, found, label="Supplementary motor area, a name that is too long for its column"):
    found = list(found)
    share = sum(found) / len(found)
    return {"id": number, "label": label, "x": -40.0, "y": -110.0, "z": 61.5, "share": share, "found": found}


@pytest.mark.parametrize("n_cutoffs", [1, 5, 700])
@pytest.mark.parametrize("n_findings", [0, 1, 200])
def test_specification_curves_are_legible(n_cutoffs, n_findings):
    rows = specifications(np.linspace(2, 6, n_cutoffs).tolist())
    findings = [finding(n, [rank % (n + 1) == 0 for rank in range(len(rows))], None) for n in range(n_findings)]
    page = specification_figure(rows, findings, "motor", "every finding", "t")
    assert collisions(page) == []
    written = " ".join(words(page))
    assert ("No specification finds" in written) == (n_findings == 0)
    if n_findings == 0:
        return  # a sentence, and no empty axes
    assert f"{len(rows):,} specification" in written
    assert "no test" in written
    assert (f"{n_findings - MOST_FINDINGS} findings" in written) == (n_findings > MOST_FINDINGS)


def test_a_finding_is_dark_where_it_is_found():
    """Found under the lowest cutoff only: with the largest volume, thus at the right end."""
    rows = specifications([2.0, 4.0], sizes=(0,), connectivities=(6,))
    page = specification_figure(rows, [finding(1, [True, False])], "motor")
    row = [item for item in page.items if isinstance(item, Image)][-1]
    picture = pixels(page)
    y = round((row.top + row.bottom) / 2 * SCALE)
    quarter = (page.width - BESIDE - LEFT) / 4
    not_found, found = (picture[y, round((LEFT + at * quarter) * SCALE)].mean() for at in (1, 3))
    assert found < 80 < 200 < not_found
    assert "50%" in words(page)


def test_a_cutoff_that_no_value_reaches_is_not_drawn():
    rows = specifications([2.0, 4.0], sizes=(0,), connectivities=(6,))
    rows.append(rows[0] | {"threshold": "fdr=0.05", "cutoff": np.inf, "n_regions": 0, "volume_mm3": 0.0})
    page = specification_figure(rows, [finding(1, [True, False, False])], "motor")
    assert collisions(page) == []
    curves = [item.lines[0] for item in page.items if isinstance(item, Lines)]
    starts = [curve[:, 0].min() for curve in curves]
    assert starts == pytest.approx([LEFT, LEFT, LEFT + (page.width - BESIDE - LEFT) / 3])  # regions, volume, cutoff
    assert {"2", "4"} <= set(words(page))
    assert "1 at the left asks for a cutoff that no value reaches." in " ".join(words(page))
    everywhere = [row | {"cutoff": np.inf} for row in rows]
    assert collisions(specification_figure(everywhere, [finding(1, [True, False, False])], "motor")) == []


def test_a_choice_that_was_never_varied_is_not_drawn():
    page = specification_figure(specifications([2.0, 4.0], connectivities=(6,)), [finding(1, 4 * [True])], "motor")
    assert "smallest size (mm³)" in words(page)
    assert "neighbours" not in words(page)


def test_kinds_of_threshold_are_a_choice_of_their_own():
    rows = specifications([2.0, 2.7, 3.1, 4.0])
    for row in rows:
        row["threshold"] = {2.7: "fdr=0.05", 3.1: "97%"}.get(row["cutoff"], row["threshold"])
    page = specification_figure(rows, [finding(1, len(rows) * [True])], "motor")
    assert collisions(page) == []
    assert {"threshold", "value", "fdr=0.05", "97%"} <= set(words(page)) and "2.0" not in words(page)
    assert "threshold" not in words(specification_figure(specifications([2.0, 4.0]), [finding(1, 8 * [True])], "motor"))


def test_variants_among_the_specifications_are_a_choice_of_their_own():
    rows = [row | {"variant": None, "extract_type": "connected_components"} for row in specifications([2.0, 4.0])]
    rows += [rows[0] | {"variant": name, "extract_type": "local_regions"} for name in ("mine", "yours")]
    page = specification_figure(rows, [finding(1, len(rows) * [True])], "motor")
    assert collisions(page) == []
    assert {"variant", "mine", "yours", "extraction", "local_regions"} <= set(words(page))
    assert "variant" not in words(specification_figure(rows[:-2], [finding(1, 8 * [True])], "motor"))
