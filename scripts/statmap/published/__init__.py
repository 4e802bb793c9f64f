"""Which settings give a published table: its rows are matched to a map, and their sizes to the component tree."""
