"""The second world: the same concepts by many artists, with the styles, signs and sentences of the
web.

Like the first one it is a pure function of (seed, index). Every probability stands in
``settings.World2``, and each part can be switched off.
"""
