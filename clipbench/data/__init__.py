"""The emoji world and other pictures: sprites, scenes, captions, picture sets, streams of pairs."""
