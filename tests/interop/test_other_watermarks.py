"""Upstream watermarks that millions of pictures carry are still there after ours is added."""

import numpy
import pytest
from pictures import encoded, photograph
from system_parts import need_package

import disclose

try:
    # The package imports torch for its learned method, whatever method is used.
    import torch
    from imwatermark import WatermarkDecoder, WatermarkEncoder
except ImportError:
    torch = None

pytestmark = pytest.mark.filterwarnings("ignore")
PAYLOAD = b"StableDiffusionV1"[:8]


@pytest.mark.parametrize("name", ["astronaut", "coffee", "china"])
def test_a_stable_diffusion_watermark_survives_ours(name, profile):
    need_package(torch is not None, "pip install torch==2.13.0 && pip install -e '.[interop]'")
    encoder = WatermarkEncoder()
    encoder.set_watermark("bytes", PAYLOAD)
    upstream = encoder.encode(numpy.asarray(photograph(name, 768, 768))[..., ::-1], "dwtDctSvd")[..., ::-1]
    decoder = WatermarkDecoder("bytes", 8 * len(PAYLOAD))
    assert decoder.decode(upstream[..., ::-1], "dwtDctSvd") == PAYLOAD
    marked = disclose.mark(encoded(_image(upstream)), profile, system="Studio")
    assert decoder.decode(marked.content.rgb[..., ::-1], "dwtDctSvd") == PAYLOAD
    assert disclose.verify(marked.data, profile).outcome is disclose.Outcome.DISCLOSED


def test_a_tensor_becomes_a_marked_picture(profile):
    need_package(torch is not None, "pip install torch==2.13.0")

    @disclose.marked(profile, system="Studio")
    def generate():
        tensor = torch.from_numpy(numpy.asarray(photograph(), dtype=numpy.float32) / 255)
        return (tensor * 255).round().to(torch.uint8).numpy()

    assert disclose.verify(generate(), profile).outcome is disclose.Outcome.DISCLOSED


def _image(pixels):
    from PIL import Image

    return Image.fromarray(numpy.ascontiguousarray(pixels))
