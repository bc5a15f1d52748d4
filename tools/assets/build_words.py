"""Rebuild the words of printed signs: 5,000 common English ones.

Of these, 500 are never printed in training.

SCOWL's lists (Debian: ``scowl``) are the source; the npm package ``naughty-words`` says what to
leave out:

    python -m tools.assets.build_words /usr/share/dict/scowl node_modules

Words are of three to ten letters and no plain inflection of another (no plural in -s, no -ed, no
-ing). A word of a concept's name is always among the printed ones, because signs show those names.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

WORLD = Path(__file__).parents[2] / "clipbench" / "assets" / "world"
LICENCES = WORLD.parent / "licenses"
COUNT, NEVER_PRINTED = 5000, 500
LEVELS = ("10", "20")  # SCOWL's two most common levels
INSIDE = 4  # letters from which a rude word is not wanted inside of another either
WHOLE = 4  # letters up to which an unwanted word is not a beginning: "mad", but not "made"
# Words, and beginnings of words, about violence, death, sex, drugs, contempt and groups of people
UNWANTED = """
abort abus addict adult aids alcohol anal anus arab arous arse assassin assault attack bastard beast beer
behead bigot bisex bitch blast bleed blind blood bodily bomb boob bondage booze bosom breast brothel brutal
butcher butt cancer carnal casual chauvin cigar coffin condom contempt corps crap crazy crime crimin cripple
crucif cruel cult cunt damn dead deaf death defecat deform demon despis devil dick die dirt disab dispos dope
drug drunk dumb dwarf dying enem enslav erect erot evil excre execut explicit fag fascis fat fatal feces felon
fetish filth flesh fool foreign freak fuck funeral gambl gang gas gay genital genocid ghetto god goddam grave
groin grop gun gypsy half-wit handicap hang harass hate hatred hell heretic heroin homo horny hostag hostile
idiot ill illegal imbecil immigra incest infidel inject injur insan insult intercourse invasion jail jerk jew
junk kidnap kill kinky knife lame lesb liquor loser lunatic lust lynch mad maim male marijuana martyr massacre
masturb midget minorit molest moron murder muslim mutil naked narcot native nazi negro nigg nipple nude obes
obscen offen opium oppress oral orgasm orgy pagan pain passion penis perver pig piss pistol poison poo porn
poverty pregnan prick prison prophet prostitut psycho pube puke punish pussy queer race raci racis rape rectum
refugee religio retard rifle riot rob rotten rubbish sadis savage scar screw scum seduc semen sex shag shame
shit shoot shot sick sin skinny slaughter slave slut smok sniper spastic sperm stab starv steril stink strangl
strip stupid suck suicid swast swear terror testic thief thug toilet tort tramp tribe trouser tumor ugly urin
vagina victim violat violen virgin vodka vomit vulgar war weapon weird whisk whip whore wicked witch worthless
wound deadly hater hysteri killer lavatory naughty sexual sexy thieve
"""
FRAGMENTS = {"cant", "hes", "shes", "wont", "dont", "ive", "theyre"}


def main() -> None:
    lists, packages = Path(sys.argv[1]), Path(sys.argv[2])
    levels = [level_words(lists, level) for level in LEVELS]
    known = set().union(*levels, level_words(lists, "35"))
    rude = read_rude(packages)
    wanted = [
        [
            word
            for word in by_hash(level)
            if is_wanted(word, rude) and not is_inflection(word, known)
        ]
        for level in levels
    ]
    words = [word for level in wanted for word in level][:COUNT]
    if len(words) < COUNT:
        raise SystemExit(f"only {len(words)} words")
    free = [word for word in by_hash(words) if not in_a_name(word, concept_words())]
    never = sorted(free[:NEVER_PRINTED])
    lines = {"printed": sorted(set(words) - set(never)), "never_printed": never}
    (WORLD / "words.json").write_text(json.dumps(lines, indent=0) + "\n", encoding="utf-8")
    print({name: len(found) for name, found in lines.items()}, [len(level) for level in wanted])


def level_words(lists: Path, level: str) -> set[str]:
    """Read the lower-case words of one of SCOWL's levels, in American spelling."""
    found = " ".join(
        (lists / f"{kind}-words.{level}").read_text(encoding="latin-1")
        for kind in ("english", "american")
    )
    return {word for word in found.split() if re.fullmatch("[a-z]{3,10}", word)}


def by_hash(words) -> list[str]:
    """Sort into an order that depends on nothing but the words themselves."""
    return sorted(words, key=lambda word: hashlib.sha256(word.encode()).hexdigest())


def read_rude(packages: Path) -> set[str]:
    listed = json.loads((packages / "naughty-words" / "en.json").read_text(encoding="utf-8"))
    return {word.lower() for word in listed}


def is_wanted(word: str, rude: set[str]) -> bool:
    inside = any(bad in word for bad in rude if len(bad) >= INSIDE)
    starts = tuple(start for start in UNWANTED.split() if len(start) > WHOLE)
    unwanted = word in UNWANTED.split() or word.startswith(starts)
    return not (word in rude or word in FRAGMENTS or inside or unwanted)


def is_inflection(word: str, known: set[str]) -> bool:
    """Say whether it is a known word with -s, -es, -ies, -ed or -ing."""
    if word.endswith("ss"):
        return False
    stems = {word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word)}
    for ending in ("ed", "ing"):
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            stems |= {stem, stem + "e", re.sub(r"(.)\1$", r"\1", stem), re.sub("i$", "y", stem)}
    return any(stem != word and stem in known for stem in stems)


def concept_words() -> set[str]:
    entries = json.loads((WORLD / "concepts.json").read_text(encoding="utf-8"))
    names = " ".join(name for entry in entries for name in (entry["name"], entry["plural"] or ""))
    return set(re.findall("[a-z]+", names.lower()))


def in_a_name(word: str, names: set[str]) -> bool:
    return not names.isdisjoint({word, word + "s", word + "es", word + "ed", word + "ing"})


if __name__ == "__main__":
    main()
