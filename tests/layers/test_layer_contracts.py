"""Every layer of ours keeps the public contract."""

import pytest
from pictures import encoded, in_every_format, photograph

from disclose import registry
from disclose.asset import Asset
from disclose.layers.c2pa import C2paLayer
from disclose.layers.fingerprint import FingerprintLayer
from disclose.layers.image_watermark import ImageWatermarkLayer
from disclose.layers.iptc import IptcLayer
from disclose.layers.record import LedgerLayer
from disclose.testing import LayerContract


def test_all_our_layers_are_found_through_the_entry_points():
    assert set(registry.names()) >= {"image_watermark", "iptc", "c2pa", "fingerprint", "ledger"}


class OurContract(LayerContract):
    kind = None

    def layer(self, profile):
        return self.kind.from_resources(profile.resources())

    def assets(self):
        return [Asset.open(data) for data in in_every_format().values()]


class TestImageWatermark(OurContract):
    kind = ImageWatermarkLayer

    def assets(self):
        # One lossless encoder, one lossy and one with a palette; a marked PIL image is saved in all six elsewhere.
        files = in_every_format()
        return [Asset.open(files[media_type]) for media_type in ("image/png", "image/jpeg", "image/gif")]


class TestImageWatermarkWithAPrivateKey(OurContract):
    def layer(self, profile):
        return ImageWatermarkLayer(key=b"a key of our own")

    def assets(self):
        return [Asset.open(encoded(photograph()))]


class TestIptc(OurContract):
    kind = IptcLayer


class TestC2pa(OurContract):
    kind = C2paLayer


class TestLedger(OurContract):
    kind = LedgerLayer


class TestFingerprint(OurContract):
    kind = FingerprintLayer

    def assets(self):
        return [Asset.open(encoded(photograph()))]

    def issued(self, layer, asset, statement, profile):
        # A fingerprint leads anywhere only once it is on record.
        return LedgerLayer(profile.ledger).mark(layer.mark(asset, statement), statement)


@pytest.mark.parametrize("name", ["image_watermark", "iptc", "aigc", "c2pa", "fingerprint", "ledger"])
def test_a_layer_made_by_name_is_the_layer_of_that_name(name, profile):
    assert registry.create(name, profile.resources()).name == name
