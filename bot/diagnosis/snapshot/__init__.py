"""Snapshots: objects and logs that were captured, in directories and archives."""
