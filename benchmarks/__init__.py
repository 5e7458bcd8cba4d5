"""Figures that the documents state, measured: `make bench`. Ratios to a floor of the same run, never bare seconds."""
