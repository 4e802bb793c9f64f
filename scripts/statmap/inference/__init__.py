"""Thresholds, p values, and random field theory."""
