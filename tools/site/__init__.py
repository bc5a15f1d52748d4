"""A static page with a model in it, for any web host: see ``build``."""
