"""The trained CLIP that a distilled model learns from."""

from clipbench.errors import UserError
from clipbench.model import CLIP
from clipbench.objectives.stored import read_objective
from clipbench.pretrained.bundle import ModelBundle
from clipbench.pretrained.folders import find_folder, load_pretrained


def load_teacher(name: str, student: ModelBundle) -> CLIP:
    """Load the model of that name, to teach a student that reads the same texts and pictures.

    Raises:
        UserError: for a model that is no CLIP, or reads texts or pictures in another way.
    """
    folder = find_folder(name)
    teacher = load_pretrained(folder)
    objective = read_objective(folder, teacher.model)
    if objective is not None:
        raise UserError(
            f"{name} cannot teach: it was trained with the objective {objective.name}, which gives "
            "no joint space; choose a CLIP"
        )
    for what, theirs, ours in (
        ("vocabulary", teacher.tokenizer.vocab, student.tokenizer.vocab),
        ("scale of pixels", scale_of(teacher), scale_of(student)),
    ):
        if theirs != ours:
            raise UserError(f"{name} cannot teach: its {what} is not that of the model that learns")
    return teacher.model


def scale_of(bundle: ModelBundle) -> tuple:
    return bundle.preprocess.mean, bundle.preprocess.std
