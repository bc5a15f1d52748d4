"""Which features the grid can show."""

FACTORS = {
    "thing": "concept", "count": "count", "colour": "colour", "style": "style", "artist": "artist",
    "position": "position", "sign": "sign", "word on a sign": "sign word",
}  # fmt: skip
BEST, ACTIVE, NOTHING = "clearest first", "active in the picture", "about nothing known"
SHOW = (BEST, ACTIVE, *(f"about a {factor}" for factor in FACTORS), NOTHING)
