"""Regions from thresholded statistical brain maps: pure functions over arrays, affines and tables.

Nothing here imports snakemake or nilearn, so every function can be called from a test or a notebook.
"""
