"""Estimates on files larger than memory, on one machine or on a Dask cluster."""
