"""TypographicStudio: print a word on an image and ask again."""
