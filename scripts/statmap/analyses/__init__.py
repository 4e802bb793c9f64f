"""Readers of analyses: what SPM, FSL, AFNI, nilearn and others left in a folder, as rows of a sample sheet.

Nothing but rule start_study imports this room.
"""
