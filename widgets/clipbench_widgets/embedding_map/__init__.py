"""EmbeddingMap: a map of images and texts."""
