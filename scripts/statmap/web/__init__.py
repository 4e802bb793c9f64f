"""Pages to read in a browser, without a network."""
