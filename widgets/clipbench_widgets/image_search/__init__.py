"""ImageSearch: find images by a text or an image."""
