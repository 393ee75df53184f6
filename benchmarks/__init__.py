"""Timings of masar_research beside svy, samplics and R survey on generated data: ``make bench``."""
