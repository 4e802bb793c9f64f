"""Sidecars: what is written is what is read, and a key that is missing is told."""

import dataclasses
import json
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
from calls import made, stat_map_of

from statmap.inference.kinds import Cutoff
from statmap.inference.search_volume import search_of
from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.files import UserError
from statmap.io.sidecar import VERSION, Sidecar, generated_by, key_of, part
from statmap.io.stat_map import MapSidecar
from statmap.regions.atlases import AtlasSidecar
from statmap.regions.extract import RegionsSidecar
from statmap.tables.of_variant import TablesSidecar
