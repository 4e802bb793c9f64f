"""The sweep's points by true discovery proportion against one search per point."""

import numpy as np
import pytest
from calls import stat_map_of
from hypothesis import given, settings
from hypothesis import strategies as st
from small_maps import AFFINE
from test_guaranteed import smooth, tied

from statmap.rules import SweepRule, ThresholdRule
from statmap.stability.findings import findings
from statmap.stability.guaranteed import guaranteed_regions
from statmap.stability.guaranteed_sweep import sweep_guaranteed


@settings(deadline=None, max_examples=60)
@given(
    data=st.one_of(tied, smooth),
    sizes=st.sampled_from(([0.0], [54.0, 0.0])),
    signs=st.sampled_from((["split"], ["merged", "split"])),
    sided=st.sampled_from(("two", "negative")),
    size_rule=st.sampled_from((">", ">=")),
)
def test_every_point_equals_its_own_search(data, sizes, signs, sided, size_rule):
    stat_map = stat_map_of(data, AFFINE, stat="z")
    shared = {"tdp_alpha": 0.05, "sided": sided}
    bounds = {"tdp=0.9": 0.9, "tdp=0.4": 0.4}
    axes = {"min_region_sizes": sizes, "connectivities": [6, 26], "signs": signs}
    rule = SweepRule(thresholds=[{"tdp": bound} for bound in bounds.values()], **axes, **shared, size_rule=size_rule)
    table, times_kept, occurrences = sweep_guaranteed(stat_map, rule, bounds)
    points = [(c, s, t, m) for c in (6, 26) for s in signs for t in bounds for m in sizes]
    names = ("connectivity", "signs", "threshold", "min_region_size")
    assert list(zip(*(table[name].tolist() for name in names), strict=True)) == points
    times, entries = np.zeros(data.shape, int), []
    for row, (connectivity, handling, threshold, size) in enumerate(points):
        of_setting = {"threshold": {"tdp": bounds[threshold]}, "connectivity": connectivity, "signs": handling}
        of_point = ThresholdRule(**of_setting, **shared)
        own = guaranteed_regions(stat_map, of_point, size, size_rule)
        everything = guaranteed_regions(stat_map, of_point, 0, size_rule)
        voxels = np.bincount(own.labels.ravel())[1:]
        assert table["n_regions"][row] == len(voxels) and table["kept"][row] == voxels.sum()
        assert table["cutoff"][row] == min(everything.cutoffs, default=np.inf)
        assert (
            table["suprathreshold"][row]
            == table["kept"][row] + table["too_small"][row]
            == (everything.labels > 0).sum()
        )
        assert (table["volume_mm3"][row], table["largest_mm3"][row]) == (
            pytest.approx(27 * voxels.sum()),
            pytest.approx(27 * voxels.max(initial=0)),
        )
        times += own.labels > 0
        for region, cutoff in enumerate(own.cutoffs, start=1):
            members = np.flatnonzero(own.labels.ravel() == region)
            main = members[np.abs(data.ravel()[members]).argmax()]
            entries.append((main, row, cutoff, len(members)))
    assert np.array_equal(times_kept, times)
    found = zip(occurrences.peak, occurrences.row, occurrences.cutoff, occurrences.n_voxels, strict=True)
    assert sorted(found) == sorted(entries)
    assert sum(findings(data, AFFINE, occurrences, len(points))[0]["n_found"]) == len(entries)
