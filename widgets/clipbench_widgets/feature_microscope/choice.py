"""Which features the grid can show."""

FACTORS = {
    "about a thing": "concept",
    "about a count": "count",
    "about a colour": "colour",
    "about a style": "style",
    "about an artist": "artist",
    "about a position": "position",
    "about a sign": "sign",
    "about a word on a sign": "sign word",
}
BEST, ACTIVE, NOTHING = "clearest first", "active in the picture", "about nothing known"
SHOW = (BEST, ACTIVE, *FACTORS, NOTHING)
