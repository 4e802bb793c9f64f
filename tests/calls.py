"""Call the functions of the package with the keys of a variant, of which a test gives more than each needs."""

import inspect

import pandas as pd

from statmap.inference import thresholds
from statmap.regions import extract, measures


def needed(function, keys):
    """Those keys that a function takes by name."""
    return {name: keys[name] for name in inspect.signature(function).parameters if name in keys}


def extract_regions(thresholded, affine, keys):
    return extract.extract_regions(thresholded, affine, **needed(extract.extract_regions, keys))


def measure_regions(*arguments):
    return pd.DataFrame(measures.measure_regions(*arguments))


def list_peaks(*arguments):
    return pd.DataFrame(measures.list_peaks(*arguments))


def resolve_cutoff(data, mask, keys, name="map"):
    return thresholds.resolve_cutoff(data, mask, name=name, **needed(thresholds.resolve_cutoff, keys))
