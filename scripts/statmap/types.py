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
Threshold = float | str | dict[str, float]  # 3.0, "97%", {"fdr": 0.05}
ClusterTheory = Literal["fsl", "spm"]
Orientation = Literal["neurological", "radiological"]
Background = Literal["white", "black"]
PeakDistanceRule = Literal[">", ">="]
