"""Every column of every table, and how tables are written and read."""
