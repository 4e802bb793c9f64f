from drawn import collisions, words
from scenes import PLAIN, peaks_of

from statmap.figures.region_page import region_page
from statmap.figures.text import number


def test_a_page_has_the_labels_of_every_atlas_uncut(motor_scene):
    scene, regions = motor_scene
    long = "Juxtapositional Lobule Cortex, formerly Supplementary Motor Cortex, 51 percent"
    peaks = [peak | {"aal_peak": "Precentral_R", "ho_peak": long, "none_peak": None} for peak in peaks_of(regions)]
    page = region_page(scene, 1, regions, peaks, *PLAIN)
    assert collisions(page) == []
    written = words(page)
    assert {"aal", "ho", "Precentral_R", "9.0 mm"} <= set(written)
    assert "none" not in written
    assert long in " ".join(written)


def test_a_region_page_holds_its_row_and_its_peaks(motor_scene):
    scene, regions = motor_scene
    extra = {"tdp": 0.62, "robust_low": 2.1, "robust_high": 4.25, "aal_overlap": "Precentral gyrus 60%"}
    regions = [row | extra for row in regions]
    written = words(region_page(scene, 2, regions, peaks_of(regions), *PLAIN))
    row = regions[1]
    assert f"{row['volume_mm3']:,.0f} mm³" in written
    assert {"at least 62% of its voxels", "2.1 to 4.25", "Precentral gyrus 60%", "and 4 more in peaks.csv"} <= set(
        written
    )
    assert {f"{axis} = {number(row[f'peak_{axis}'])}" for axis in "xyz"} <= set(written)
    assert sum(word.startswith("Supplementary motor") for word in written) == 10
