"""Pasted text: what kubectl printed, events and log lines, as a small snapshot."""
