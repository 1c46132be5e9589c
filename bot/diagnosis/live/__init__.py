"""The live cluster: everything that can leave for its API, and nothing but reading leaves."""
