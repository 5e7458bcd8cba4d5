"""Reports: what the warehouse knows, as a page, a document or a sheet that a person reads."""
