"""Maps of noise have something significant as rarely as was asked for."""

import numpy as np
import pytest
from bench_error_rates import ALPHA, error_rates


@pytest.mark.slow
def test_noise_is_significant_as_rarely_as_asked_for():
    """Height: 5% within its error. Extent: the theory of SPM and FSL errs on the safe side, never on the other."""
    maps = 500
    error = np.sqrt(ALPHA * (1 - ALPHA) / maps)
    height, fsl, spm = error_rates(maps).values()
    assert abs(height - ALPHA) < 3 * error
    assert 0.2 * ALPHA < spm <= fsl < ALPHA + 3 * error
