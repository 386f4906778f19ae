"""Documents that are generated from a migration folder and both catalogs."""
