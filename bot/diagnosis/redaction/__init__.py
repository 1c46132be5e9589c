"""Takes credentials out of whatever leaves acknet."""
