"""The words that config keys accept, as types; `config/schemas` declares them, and a test holds the two together."""

from typing import Literal

Sided = Literal["two", "positive", "negative"]
Signs = Literal["split", "merged"]
Connectivity = Literal[6, 18, 26]
ExtractType = Literal["connected_components", "local_regions"]
SizeRule = Literal[">", ">="]
CutoffRule = Literal[">", ">="]
Domain = Literal["mask", "nonzero", "all"]
Unseeded = Literal["drop", "keep"]
EdgeScale = Literal["volume", "suprathreshold"]
RandomWalker = Literal["converged", "nilearn"]
Stat = Literal["t", "z", "F", "log10p", "other"]  # maps of p values are turned into log10p when they are fetched
ONE_TAILED = ("F", "log10p")  # of these, values that have no other tail
ClusterTheory = Literal["fsl", "spm"]
PeakDistanceRule = Literal[">", ">="]
