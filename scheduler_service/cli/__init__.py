"""Where every process starts: the only room that reads the settings and puts the others together."""
