"""Features of images and texts: computed, stored in files, averaged over prompts."""
