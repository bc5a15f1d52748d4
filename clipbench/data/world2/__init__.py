"""The second world: the concepts of the first one in the styles, signs and sentences of the web.

The drawings are by many artists. Like the first world it is a pure function of (seed, index).
Every probability stands in ``settings.World2``, and each part can be switched off.
"""
