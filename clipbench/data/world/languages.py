"""The emoji world in four more languages.

The names are from Unicode's CLDR, the sentences from grammars as small as they can be.

Nothing is inflected: every sentence is one in which a name can stand as the dictionary has it,
without its article ("a photo: dog"). So these captions never count, and say "A and B" where English
says "A left of B".
"""

from dataclasses import dataclass

from clipbench.data.world.sprites import Concept


@dataclass(frozen=True)
class Language:
    """How one language speaks about pictures; {} is a name, or two that are joined."""

    name: str  # in English
    styles: dict[str, tuple[str, ...]]  # style of the picture -> templates
    any_style: tuple[str, ...]
    joined: str  # two names
    with_sign: str  # a name, and the word that is written beside it
    sign: tuple[str, ...]  # the word that is written

    @property
    def templates(self) -> list[str]:
        """What zero-shot classification asks with: one for each style, and those that fit any."""
        return [*(forms[0] for forms in self.styles.values()), *self.any_style]


LANGUAGES = {
    "es": Language(
        "Spanish",
        {
            "photo": ("una foto de {}", "{} en una foto", "una buena foto de {}"),
            "grayscale": ("una foto en blanco y negro de {}", "{} en blanco y negro"),
            "sketch": ("un dibujo de {}", "un boceto de {}"),
            "blurry": ("una foto borrosa de {}", "{} fuera de foco"),
            "pixelated": ("una foto pixelada de {}", "{} en baja resolución"),
            "inverted": ("un negativo de {}", "{} con colores invertidos"),
            "painting": ("una pintura de {}", "un cuadro de {}"),
        },
        ("una imagen de {}", "aquí hay {}", "{}", "esto es {}"),
        "{} y {}",
        "{} con la palabra {}",
        ("la palabra {}", "un cartel que dice {}", "{}"),
    ),
    "de": Language(
        "German",
        {
            "photo": ("ein Foto von {}", "Foto: {}", "ein gutes Foto von {}"),
            "grayscale": ("ein Schwarzweißfoto von {}", "{} in Schwarzweiß"),
            "sketch": ("eine Zeichnung von {}", "eine Skizze von {}"),
            "blurry": ("ein unscharfes Foto von {}", "{}, unscharf"),
            "pixelated": ("ein verpixeltes Foto von {}", "{} in niedriger Auflösung"),
            "inverted": ("ein Negativ von {}", "{} in umgekehrten Farben"),
            "painting": ("ein Gemälde von {}", "{}, gemalt"),
        },
        ("ein Bild von {}", "hier ist {}", "{}", "das ist {}"),
        "{} und {}",
        "{} mit dem Wort {}",
        ("das Wort {}", "ein Schild, auf dem {} steht", "{}"),
    ),
    "zh": Language(
        "Chinese",
        {
            "photo": ("一张{}的照片", "照片：{}", "一张好的{}照片"),
            "grayscale": ("一张{}的黑白照片", "黑白的{}"),
            "sketch": ("一幅{}的素描", "{}的草图"),
            "blurry": ("一张模糊的{}照片", "模糊的{}"),
            "pixelated": ("一张像素化的{}照片", "低分辨率的{}"),
            "inverted": ("一张{}的底片", "反色的{}"),
            "painting": ("一幅{}的画", "油画：{}"),
        },
        ("{}的图片", "这里有{}", "{}", "这是{}"),
        "{}和{}",
        "{}，上面写着 {}",
        ("单词 {}", "写着 {} 的牌子", "{}"),
    ),
    "ru": Language(
        "Russian",
        {
            "photo": ("фото: {}", "на фото {}", "хорошее фото: {}"),
            "grayscale": ("чёрно-белое фото: {}", "на чёрно-белом фото {}"),
            "sketch": ("рисунок: {}", "набросок: {}"),
            "blurry": ("размытое фото: {}", "на размытом фото {}"),
            "pixelated": ("пиксельное фото: {}", "{} в низком разрешении"),
            "inverted": ("негатив: {}", "{} в обратных цветах"),
            "painting": ("картина: {}", "на картине {}"),
        },
        ("на картинке {}", "здесь {}", "{}", "это {}"),
        "{} и {}",
        "{} со словом {}",
        ("слово {}", "табличка со словом {}", "{}"),
    ),
}


def named(concept: Concept, language: str) -> str:
    """Name the concept in a language; in English for "en", and where CLDR has no name."""
    return concept.names.get(language, concept.name)


def caption_in(language: str, scene, choose) -> str:
    """Write one caption in another language than English.

    Args:
        scene: a ``captions.Scene``.
        choose: a ``captions.Chooser``.
    """
    words = LANGUAGES[language]
    name = named(scene.subject, language)
    if scene.sign == "alone":
        return choose.of(words.sign).format(scene.word)
    if scene.sign == "other name":
        kind = choose.below(10)
        if kind < 7:
            return (
                words.with_sign.format(name, scene.word)
                if kind < 4
                else choose.of(words.sign).format(scene.word)
            )
    if scene.other is not None:
        pair = name, named(scene.other, language)
        name = words.joined.format(*(pair if scene.first_is_subject else reversed(pair)))
    if choose.chance(40):
        return name
    return choose.of(words.styles[scene.style] if choose.chance(60) else words.any_style).format(
        name
    )
