"""Both encoders of a model as ONNX, for a browser.

Numbers of a batch and of tokens are free. Weights that 16 bits hold exactly, as those of the
shipped models, are stored in 16 bits and made 32 bits wide when the model is loaded: half the
bytes, the same numbers.
"""

import contextlib
import io
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.export import Dim

from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.errors import UserError

OPSET = 18
EXAMPLES = ("a cat", "a photo of a dog")


class Part(nn.Module):
    """One method of a model as a module of its own, which is what can be exported."""

    def __init__(self, model: nn.Module, method: str):
        super().__init__()
        self.model, self.method = model, method

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return getattr(self.model, self.method)(x)


def export_encoders(encoder: ClipbenchEncoder, image_file: Path, text_file: Path) -> None:
    """Write an encoder's two halves.

    The first takes ``pictures`` (B, 3, S, S) float32, preprocessed; the second ``tokens`` (B, T)
    int64, T at most the context length. Both give ``features`` (B, D) float32, of unit norm.

    Raises:
        UserError: without the packages onnx and onnxscript.
    """
    size = encoder.image_size
    batch, length = Dim("batch"), Dim("length", max=encoder.context_length)
    pictures, tokens = torch.zeros(2, 3, size, size), encoder.tokenizer(list(EXAMPLES))
    export(Part(encoder.model, "encode_image"), "pictures", pictures, {0: batch}, image_file)
    export(Part(encoder.model, "encode_text"), "tokens", tokens, {0: batch, 1: length}, text_file)


def export(part: Part, name: str, example: torch.Tensor, free: dict, file: Path) -> None:
    """Trace a module with one input, and write it with weights of 16 bits."""
    onnx = onnx_package()
    with torch.no_grad(), quiet():
        program = torch.onnx.export(
            part.eval(), (example,), dynamo=True, dynamic_shapes=(free,), opset_version=OPSET,
            input_names=[name], output_names=["features"],
            optimize=False,  # which would merge weights into ones that 16 bits do not hold
        )  # fmt: skip
    model = program.model_proto
    check_free(model, free)
    halve(model)
    forget_origins(model)
    onnx.checker.check_model(model)
    onnx.save(model, file)


def check_free(model, free: dict) -> None:
    """Check that the exporter has kept the numbers free that were to be.

    Raises:
        RuntimeError: when one is fixed, which a ``len(x)`` in a model's forward pass leads to.
    """
    shape = model.graph.input[0].type.tensor_type.shape
    fixed = [place for place in free if not shape.dim[place].dim_param]
    if fixed or not model.graph.output[0].type.tensor_type.shape.dim[0].dim_param:
        raise RuntimeError(f"the exported graph takes one batch size only (axes {fixed or [0]})")


def halve(model) -> None:
    """Store in 16 bits what 16 bits hold exactly, with a cast in front of the graph."""
    onnx = onnx_package()
    casts = []
    for weights in model.graph.initializer:
        if weights.data_type != onnx.TensorProto.FLOAT:
            continue
        wide = onnx.numpy_helper.to_array(weights)
        with np.errstate(over="ignore"):
            half = wide.astype(np.float16)
        if wide.size > 1 and np.array_equal(half.astype(np.float32), wide):
            name = weights.name
            weights.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}.half"))
            casts.append(
                onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT)
            )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def forget_origins(model) -> None:
    """Remove what the exporter notes of each step: lines of source, with this machine's paths."""
    parts = [model.graph, *model.graph.node, *model.graph.input, *model.graph.output]
    parts += [*model.graph.value_info, *model.graph.initializer, *model.functions]
    for part in [*parts, *(node for function in model.functions for node in function.node)]:
        del part.metadata_props[:]
        part.doc_string = ""


def onnx_package():
    try:
        import onnx
        import onnxscript  # noqa: F401  (torch's exporter needs it)
    except ImportError:
        raise UserError('the site needs onnx: pip install -e ".[site]"') from None
    return onnx


@contextlib.contextmanager
def quiet():
    """Keep back what torch's exporter prints about its steps."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
