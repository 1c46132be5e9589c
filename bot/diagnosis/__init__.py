"""Finds out which case it is: read-only facts, cases over facts, verdicts with evidence."""
