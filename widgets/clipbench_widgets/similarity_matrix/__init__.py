"""SimilarityMatrix: images against texts."""
