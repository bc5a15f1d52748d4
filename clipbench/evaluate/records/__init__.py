"""Records of runs: written, read and compared."""
