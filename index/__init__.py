"""Questions in, ranked entries out. Names are imported from the modules, which keeps this package cheap to import."""
