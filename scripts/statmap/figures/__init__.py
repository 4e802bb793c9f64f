"""Figures, from arrays and tables to files."""
