"""History, engine, statistics and report: the same decisions and the same matching under a manual clock."""
