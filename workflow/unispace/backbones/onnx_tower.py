"""Networks that are published as ONNX graphs: used as they are, never trained."""

from __future__ import annotations

from typing import Any

import onnxruntime
import torch
from torch import Tensor, nn

from unispace.config.backbones import Backbone, OnnxOptions
from unispace.errors import UserError, did_you_mean


class OnnxTower(nn.Module):
    """A graph and the session that runs it, on one thread of the CPU, in the same order in every run.

    The graph is a tensor of bytes, so that a checkpoint of it is a safetensors file as any other.

    Attributes:
        onnx: bytes of the file, `(n,)` uint8; empty until `load`.
    """

    onnx: Tensor

    def __init__(self, settings: Backbone) -> None:
        """Prepare for a graph; it comes with `load`."""
        super().__init__()
        self.name = settings.architecture
        self.size = settings.preprocessing.size
        self.output = OnnxOptions.model_validate(settings.options).output
        self.register_buffer("onnx", torch.empty(0, dtype=torch.uint8))
        self._session: onnxruntime.InferenceSession | None = None

    def load(self, graph: Tensor) -> None:
        """Take a graph.

        Args:
            graph: bytes of an ONNX file, `(n,)` uint8.

        Raises:
            UserError: where it is no graph that runs here, takes other images, or it is open which of its
                outputs is the embedding.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.use_deterministic_compute = True
        options.log_severity_level = (
            3  # what goes wrong is raised; its warnings are about graphs, not about us
        )
        try:
            session = onnxruntime.InferenceSession(
                graph.numpy().tobytes(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no base of their own
            raise UserError(
                f"{self.name}: not an ONNX graph that runs here ({error}). A graph whose weights lie in "
                f"a second file has to be saved again in one"
            ) from error
        self._input = self._checked_input(session)
        self._outputs = [self._chosen_output(session)]
        self._session, self.onnx = session, graph

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images `(n, 3, size, size)` to the output, as the graph shapes it: `(n, d)`.

        Raises:
            RuntimeError: before `load`, or where the graph fails.
        """
        if self._session is None:
            raise RuntimeError(f"{self.name}: the graph is not loaded yet")
        array = images.contiguous().numpy()
        # A graph that was exported for single images says so in its first dimension.
        one_by_one = self._input.shape[0] == 1
        parts = [array[i : i + 1] for i in range(len(array))] if one_by_one else [array]
        try:
            found = [self._session.run(self._outputs, {self._input.name: p})[0] for p in parts]
        except Exception as error:  # its exceptions have no base of their own
            raise RuntimeError(f"the graph fails: {error}") from error
        return torch.cat([torch.from_numpy(part) for part in found])

    def _checked_input(self, session: onnxruntime.InferenceSession) -> Any:
        inputs = session.get_inputs()
        if len(inputs) != 1:
            raise UserError(
                f"{self.name}: the graph takes {len(inputs)} inputs ({', '.join(i.name for i in inputs)}), "
                f"and only one, the images, can be given"
            )
        (image,) = inputs
        shape, wanted = image.shape, ("n", 3, self.size, self.size)
        if image.type != "tensor(float)":
            raise UserError(
                f"{self.name}: the graph takes {image.type}, only float32 images are given"
            )
        if len(shape) == 4 and shape[3] == 3 and shape[1] != 3:
            raise UserError(
                f"{self.name}: the graph takes images {tuple(shape)}, channels last; convert it to channels first"
            )
        # A dimension that is free is a name or None.
        fits = len(shape) == 4 and all(
            given == asked
            for given, asked in zip(shape[1:], wanted[1:], strict=True)
            if isinstance(given, int)
        )
        if not fits:
            raise UserError(
                f"{self.name}: the graph takes {tuple(shape)}, the study gives {wanted}; "
                f"set preprocessing.size to the side that it takes"
            )
        if isinstance(shape[0], int) and shape[0] != 1:
            raise UserError(
                f"{self.name}: the graph takes {shape[0]} images at a time; export it for 1 or for any number"
            )
        return image

    def _chosen_output(self, session: onnxruntime.InferenceSession) -> str:
        names = [output.name for output in session.get_outputs()]
        match self.output:
            case None if len(names) == 1:
                return names[0]
            case int() as place if place < len(names):
                return names[place]
            case str() as name if name in names:
                return name
            case str() as name:
                raise UserError(
                    f"{self.name}: the graph has no output `{name}`; {did_you_mean(name, names)}"
                )
        shapes = ", ".join(f"{output.name} {output.shape}" for output in session.get_outputs())
        asked = "" if self.output is None else f" and none at place {self.output}"
        raise UserError(
            f"{self.name}: the graph has {len(names)} outputs{asked}; "
            f"name the embedding in options.output ({shapes})"
        )
