"""What every JSON beside an image says about how it was made (BIDS Derivatives habit; no time, host or path)."""

from importlib.metadata import PackageNotFoundError, version

VERSION = "2.0.0"


def generated_by(rule, packages=("numpy", "nibabel")):
    """Name the rule and the versions of the packages that made a file, for the key ``GeneratedBy``."""
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "unknown"
    return [{"Name": "Statmap Regions", "Version": VERSION, "Description": f"rule {rule}", "Software": versions}]
