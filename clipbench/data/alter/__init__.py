"""Alter images: corruptions, stickers with words, rendered documents."""
