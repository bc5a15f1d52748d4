"""The emoji world: sprites, factors of scenes, rendering, captions, evaluation sets."""
