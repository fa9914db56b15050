"""The public contract of a layer, as tests that every layer inherits, ours and others'.

A layer's own tests subclass :class:`LayerContract`, say how to make the layer and a few assets it marks, and add
only what is peculiar to it::

    class TestMyLayer(LayerContract):
        def layer(self, profile):
            return MyLayer()

        def assets(self):
            return [Asset.open(path_to_a_picture)]

The tests run with pytest; ``profile`` is a fixture of this module, so import it into the ``conftest.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.evidence import Evidence, Integrity, Outcome, Verdict
from disclose.layer import Layer, Plane, handles
from disclose.profile import Profile


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    """Return a profile whose ledger and identity live in a folder of the test's own."""
    return Profile(folder=tmp_path / "disclose")


class LayerContract:
    """What every layer promises. Subclasses say how to make theirs, and which assets it marks."""

    def layer(self, profile: Profile) -> Layer:
        """Return the layer under test."""
        raise NotImplementedError

    def assets(self) -> Sequence[Asset]:
        """Return assets that the layer can mark, encoded, each of a media type it handles."""
        raise NotImplementedError

    def statement(self) -> Disclosure:
        """Return the disclosure to mark with."""
        return Disclosure.new(system="Contract", version="1", provider="Tests")

    def test_it_satisfies_the_protocol(self, profile: Profile) -> None:
        layer = self.layer(profile)
        assert isinstance(layer, Layer)
        assert isinstance(layer.plane, Plane)
        assert layer.name
        assert layer.media

    def test_it_handles_the_assets_it_says_it_marks(self, profile: Profile) -> None:
        for asset in self.assets():
            assert handles(self.layer(profile), asset.media_type)

    def test_what_it_marks_it_notes(self, profile: Profile) -> None:
        for asset in self.assets():
            layer = self.layer(profile)
            marked = layer.mark(asset, self.statement())
            assert marked.mark_of(layer.name) is not None
            assert marked.media_type == asset.media_type

    def test_what_it_marks_it_detects_in_the_bytes_alone(self, profile: Profile) -> None:
        for asset in self.assets():
            layer, statement = self.layer(profile), self.statement()
            marked = self.issued(layer, asset, statement, profile)
            found = list(layer.detect(Asset.from_data(marked.data)))
            assert any(item.generated for item in found)
            assert any(item.id is not None and item.id.agrees_with(statement.id) for item in found)
            assert not any(item.integrity is Integrity.BROKEN for item in found)

    def test_an_unmarked_asset_yields_no_claim(self, profile: Profile) -> None:
        for asset in self.assets():
            found = list(self.layer(profile).detect(asset))
            assert Verdict.weigh(found).outcome is Outcome.UNDETERMINED

    def test_marking_leaves_the_given_asset_as_it_was(self, profile: Profile) -> None:
        for asset in self.assets():
            before, marks = asset.data, asset.marks
            self.layer(profile).mark(asset, self.statement())
            assert (asset.data, asset.marks) == (before, marks)

    def test_other_marks_are_kept(self, profile: Profile) -> None:
        from disclose.asset import Mark

        for asset in self.assets():
            noted = asset.with_mark(Mark(layer="somebody_else", details={"kept": True}))
            assert self.layer(profile).mark(noted, self.statement()).mark_of("somebody_else") is not None

    def test_findings_can_be_written_as_json(self, profile: Profile) -> None:
        import json

        for asset in self.assets():
            layer = self.layer(profile)
            marked = self.issued(layer, asset, self.statement(), profile)
            for item in layer.detect(Asset.from_data(marked.data)):
                assert isinstance(item, Evidence)
                assert json.loads(json.dumps(item.to_dict()))["layer"] == layer.name

    def issued(self, layer: Layer, asset: Asset, statement: Disclosure, profile: Profile) -> Asset:
        """Return *asset* as it would leave with this layer's mark; a layer that needs a record overrides this."""
        return layer.mark(asset, statement)
