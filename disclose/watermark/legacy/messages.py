"""Messages: what pipelines are known to embed, word for word from their public sources.

A pipeline that hands floats to invisible-watermark marks in another way than one that hands it bytes: U is then
centred on 0.5 and not on 128, so that other steps of 36 are meant. What was written in the one way often reads as
noise, or upside down, in the other. So each message names the readings in which it is found in the world.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Reading(StrEnum):
    """How the pixels were handed to the library when they were marked."""

    BYTES = "bytes"
    FLOATS = "floats"
    FLOATS_SWAPPED = "floats, red and blue swapped"


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message in the order its bits are written, the family of pipelines that write it, and where that is public.

    ``period`` is 8 for text, whose bytes share their high bits: what repeats with the period counts for nothing when
    the message is looked for.
    """

    name: str
    family: str
    bits: str
    readings: tuple[Reading, ...]
    source: str
    period: int = 1

    def __len__(self) -> int:
        return len(self.bits)

    @property
    def signs(self) -> NDArray[np.float64]:
        """The bits as +1 for 1 and -1 for 0."""
        return np.array([1.0 if bit == "1" else -1.0 for bit in self.bits])

    @property
    def values(self) -> list[int]:
        """The bits as the library's ``set_watermark("bits", …)`` takes them."""
        return [int(bit) for bit in self.bits]


def _text(words: str) -> str:
    return "".join(f"{byte:08b}" for byte in words.encode())


_FLUX = "001010101111111010000111100111001111010100101110"

PUBLISHED = (
    Message(
        name="stable-diffusion-xl",
        family="Stable Diffusion XL",
        bits="101100111110110010010000011110111011000110011110",
        # diffusers passed red first until it passed blue first (its commit 0c099ca still does the former).
        readings=(Reading.FLOATS, Reading.FLOATS_SWAPPED, Reading.BYTES),
        source="Stability-AI/generative-models scripts/demo/streamlit_helpers.py;"
        " huggingface/diffusers src/diffusers/pipelines/stable_diffusion_xl/watermark.py",
    ),
    Message(
        name="flux",
        family="FLUX",
        # The constant has 48 bits, but it is written by way of bin(), which drops the two zeros it begins with.
        bits=_FLUX.lstrip("0"),
        readings=(Reading.FLOATS, Reading.BYTES),
        source="black-forest-labs/flux src/flux/util.py; black-forest-labs/flux2 src/flux2/watermark.py",
    ),
    Message(
        name="flux-48",
        family="FLUX",
        bits=_FLUX,
        readings=(Reading.FLOATS, Reading.BYTES),
        source="black-forest-labs/flux src/flux/util.py, the constant as it is published, with its leading zeros",
    ),
    Message(
        name="stable-diffusion-1",
        family="Stable Diffusion 1",
        bits=_text("StableDiffusionV1"),
        readings=(Reading.BYTES,),
        source="CompVis/stable-diffusion scripts/txt2img.py",
        period=8,
    ),
    Message(
        name="stable-diffusion-2",
        family="Stable Diffusion 2",
        bits=_text("SDV2"),
        readings=(Reading.BYTES,),
        source="Stability-AI/stablediffusion scripts/txt2img.py",
        period=8,
    ),
    Message(
        name="invokeai",
        family="InvokeAI",
        bits=_text("InvokeAI"),
        readings=(Reading.BYTES,),
        source="invoke-ai/InvokeAI invokeai/backend/image_util/invisible_watermark.py and docs/features/OTHER.md",
        period=8,
    ),
)
"""All of them are written by dwtDct; no pipeline is known to embed a published message by dwtDctSvd or rivaGan."""
