"""Sketches of a dataset's diversity: fixed memory, one pass, and sums that come out the same however the data are divided."""
