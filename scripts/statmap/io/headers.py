"""What is to be doubted in the header and the values of a map."""

import nibabel as nib
import numpy as np

UNITS = {1: "meter", 3: "micron"}  # the lower bits of xyzt_units that are not mm, or unknown
LARGEST_Z = 40  # beyond it a map is hardly one of z values
MOST_LABELS = 100  # distinct values up to which a map of whole numbers looks like labels
FAR_MM = 1.0  # apart, sform and qform no longer say the same


def doubts(header: nib.Nifti1Header, shape: tuple[int, ...], data: np.ndarray, stat: str) -> list[str]:
    """What makes results surprising without making them wrong, one line each.

    Parameters
    ----------
    header : of the image, as it was fetched.
    shape : (i, j, k).
    data : (i, j, k) array, finite.
    stat : what the values are.
    """
    found = []
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    if not sform and not qform:
        found.append("the header has no orientation (sform and qform codes 0): positions, left and right are guesses")
    elif sform and qform:
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1).T
        both = [nib.affines.apply_affine(form, corners) for form in (header.get_sform(), header.get_qform())]
        apart = float(np.linalg.norm(both[0] - both[1], axis=1).max())
        if apart > FAR_MM:
            found.append(f"sform and qform of the header are up to {apart:.1f} mm apart; the sform is used")
    unit = UNITS.get(int(header["xyzt_units"]) & 7)
    if unit:
        found.append(f"the header gives lengths in {unit}s; they are taken as mm")
    some = data[data != 0]
    if some.size and stat == "z" and np.abs(some).max() > LARGEST_Z:
        found.append(f"values up to {np.abs(some).max():.4g} for stat: z; is it a z-map?")
    if some.size and (some == np.round(some)).all() and len(distinct := np.unique(some)) <= MOST_LABELS:
        found.append(f"distinct values: {len(distinct)}, all whole numbers: labels or a mask, not a statistic?")
    return found
