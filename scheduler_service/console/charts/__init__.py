"""Charts as SVG text: each a pure function of its data. Geometry in attributes, colour in classes, no style."""
