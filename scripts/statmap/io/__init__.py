"""Files and images in and out: fetched, checked, read, and written whole to the same bytes every time."""
