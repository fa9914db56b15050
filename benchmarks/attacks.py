"""The project's own attacks: ``ATTACKS`` names functions of uint8 RGB, and ``GROUP`` gives each name its class.

A file with two such dictionaries is all that ``python -m benchmarks.robustness --attacks FILE.py`` needs. This one
covers what is known to happen to pictures; the engine's parameters are not to be fitted to it.
"""

from __future__ import annotations

from PIL import Image, ImageEnhance, ImageOps

from benchmarks.handlings import Handling, attack, plain, then
from benchmarks.handlings.chains import in_a_browser, photographed_off_a_screen, printed_and_scanned, with_a_caption_bar
from benchmarks.handlings.geometry import (
    and_back,
    any_part,
    barrel,
    bent,
    mirrored,
    padded,
    part,
    perspective,
    rotated,
    scaled,
    sheared,
    stretched,
    waved,
    within,
)
from benchmarks.handlings.regeneration import bilateral, non_local_means, wavelet_shrink
from benchmarks.handlings.values import (
    blurred,
    caption,
    cutout,
    gamma,
    hue,
    median,
    negative,
    noise,
    salt_and_pepper,
    saved,
    sharpened,
    sticker,
    vignette,
    warm,
)

LANCZOS = Image.Resampling.LANCZOS


def _enhanced(kind: type[ImageEnhance._Enhance], factor: float) -> Handling:
    return plain(lambda picture: kind(picture).enhance(factor))


VALUE = {
    "nothing": plain(lambda picture: picture),
    **{f"JPEG {quality}": saved("JPEG", quality) for quality in (95, 80, 60, 40, 25)},
    **{f"WebP {quality}": saved("WEBP", quality) for quality in (80, 50)},
    "AVIF 50": saved("AVIF", 50),
    **{f"resize {factor}": scaled(factor) for factor in (0.33, 0.5, 0.75, 1.5)},
    **{f"resize {factor} and back": and_back(scaled(factor)) for factor in (0.33, 0.5)},
    "resize 0.5, nearest": scaled(0.5, Image.Resampling.NEAREST),
    **{f"blur {radius}": blurred(radius) for radius in (1, 2)},
    **{f"noise {deviation}": noise(deviation) for deviation in (10, 20)},
    "salt and pepper 2 %": salt_and_pepper(0.02),
    **{f"median {size}": median(size) for size in (3, 5)},
    "sharpen": sharpened(2, 200),
    "denoise and sharpen": then(median(3), blurred(0.8), sharpened(2, 180)),
    "brightness 1.3": _enhanced(ImageEnhance.Brightness, 1.3),
    "brightness 0.6": _enhanced(ImageEnhance.Brightness, 0.6),
    "contrast 1.4": _enhanced(ImageEnhance.Contrast, 1.4),
    "contrast 0.6": _enhanced(ImageEnhance.Contrast, 0.6),
    **{f"gamma {exponent}": gamma(exponent) for exponent in (0.6, 1.5)},
    "autocontrast 2 %": plain(lambda picture: ImageOps.autocontrast(picture, cutoff=2)),
    "equalise": plain(ImageOps.equalize),
    "saturation 1.6": _enhanced(ImageEnhance.Color, 1.6),
    "hue by 36°": hue(0.1),
    "vignette": vignette(0.6),
    "warm filter and vignette": then(warm, vignette(0.5)),
    "negative": negative,
    # An adaptive palette with Floyd-Steinberg dithering, as a GIF has.
    **{
        f"palette {colours}": plain(lambda picture, colours=colours: picture.quantize(colours).convert("RGB"))
        for colours in (64, 16)
    },
    "grey": plain(lambda picture: picture.convert("L").convert("RGB")),
    "posterise to 3 bits": plain(lambda picture: ImageOps.posterize(picture, 3)),
    "logo over 8 %": sticker(0.08),
    "text over it": caption,
    "cutout of 10 %": cutout(0.1),
}

GEOMETRY = {
    **{f"crop to {share} %": part(share / 100) for share in (75, 50, 25)},
    **{f"crop to {share} %, anywhere": part(share / 100, across=None, down=None) for share in (75, 50, 25)},
    "crop to 25 %, corner": part(0.25, across=1, down=0),
    "crop to 40 %, wide": part(0.4, across=0.3, down=0.7, aspect=1.8),
    "crop to 40 %, tall": part(0.4, across=0.8, down=0.4, aspect=0.55),
    "shift on a larger ground": padded(0.13, 0.09),
    **{f"rotate {degrees}°": rotated(degrees) for degrees in (0.5, 2, 5, 15)},
    "rotate 45°, expand": rotated(45, expand=True),
    "rotate anyhow, expand": rotated(None, expand=True),
    "rotate 7°, crop": rotated(7, cropped=True),
    "rotate -20°, crop": rotated(-20, cropped=True),
    "rotate 90°": plain(lambda picture: picture.transpose(Image.Transpose.ROTATE_90)),
    "rotate 180°": plain(lambda picture: picture.transpose(Image.Transpose.ROTATE_180)),
    "mirror": mirrored,
    "upside down mirror": plain(ImageOps.flip),
    "transpose": plain(lambda picture: picture.transpose(Image.Transpose.TRANSPOSE)),
    "mirror, rotate anyhow, scale 0.7": then(mirrored, rotated(None, expand=True), scaled(0.7)),
    "aspect 0.8": stretched(0.8, 1),
    "aspect 1.25": stretched(1, 0.8),
    "aspect 0.9": stretched(0.9, 1),
    "stretch 1.2": stretched(1.2, 1),
    "shear 3 % across": sheared(0.03, 0),
    "shear 3 % down": sheared(0, 0.03),
    "perspective 1.5 %": perspective(0.015),
    "perspective 3 %": perspective(0.03),
    "bend 1.5 px": bent(1.5),
    "sine waves 2 px": waved(2, 3),
    "barrel 2 %": barrel(0.02),
}

_half_size_jpeg = then(scaled(0.5), saved("JPEG", 60))

CHAIN = {
    "screenshot": then(any_part(0.15), scaled(0.8), saved("JPEG", 80)),
    "screenshot with a browser": then(in_a_browser(0.9, 0.6), saved("JPEG", 85)),
    "screenshot with a dark browser, smaller": in_a_browser(0.6, 0.42, dark=True),
    **{f"social {longer}": then(within(longer), saved("JPEG", 75)) for longer in (1080, 640)},
    "crop to 75 %, half, JPEG 60": then(part(0.75, across=None, down=None), _half_size_jpeg),
    "rotate and crop, JPEG 75": then(rotated(-4, cropped=True), part(0.8), saved("JPEG", 75)),
    "crop, rotate anyhow, scale, JPEG 80": then(part(0.6), rotated(None, expand=True), scaled(0.8), saved("JPEG", 80)),
    "print and scan": printed_and_scanned,
    "photographed off a screen": photographed_off_a_screen,
    "meme": then(with_a_caption_bar, within(900), saved("JPEG", 75)),
    "thumbnail 256": then(within(256), saved("JPEG", 85)),
    "negative, crop to 60 %": then(negative, part(0.6, across=None, down=None)),
    # What messengers do to each other's pictures.
    "saved four times over": then(saved("JPEG", 85), scaled(0.9), saved("WEBP", 75), scaled(1.1), saved("JPEG", 70)),
}

REGENERATION = {
    "non-local means": non_local_means(9),
    "bilateral": bilateral(3, 18),
    "bilateral, resample, regrain": then(bilateral(2, 22), and_back(scaled(0.7, LANCZOS)), noise(3)),
    "half and back, sharpen, regrain": then(and_back(scaled(0.5, LANCZOS)), sharpened(1.5, 120), noise(4)),
    "JPEG 20, smoothed blocks": then(saved("JPEG", 20), bilateral(2, 14)),
    "wavelet shrink": wavelet_shrink(10),
}

_CLASSES = {"value": VALUE, "geometry": GEOMETRY, "chain": CHAIN, "regeneration": REGENERATION}

ATTACKS = {name: attack(handling) for handlings in _CLASSES.values() for name, handling in handlings.items()}
GROUP = {name: group for group, handlings in _CLASSES.items() for name in handlings}
