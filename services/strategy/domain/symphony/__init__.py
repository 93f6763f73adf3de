"""Symphony files: the `.clj` form and Composer's JSON, read into the same tree that strategies are written with in Python."""
