"""Benches: what the archive's work costs, each next to its floor, in one run."""
