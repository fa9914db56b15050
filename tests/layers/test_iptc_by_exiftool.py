"""What we write into XMP is read by exiftool, which shares no code with ours, in every format."""

import json
import shutil
import subprocess

import pytest
from pictures import FORMATS, in_every_format
from system_parts import need

import disclose
from disclose.media import sniff


@pytest.mark.parametrize("media_type", FORMATS)
def test_exiftool_reads_the_fields_and_finds_the_file_sound(media_type, profile, tmp_path):
    need(shutil.which("exiftool") is not None, "apt-get install libimage-exiftool-perl")
    path = tmp_path / f"marked{sniff.EXTENSIONS[media_type]}"
    asset = disclose.mark(in_every_format()[media_type], profile, system="Studio & Söhne", version="2.1")
    asset.save(path)
    command = ["exiftool", "-json", "-XMP-iptcExt:all", "-MIMEType", "-Error", "-Warning", path]
    (found,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert found["MIMEType"] == media_type
    assert (
        "trainedAlgorithmicMedia" in found["DigitalSourceType"] or "Trained Algorithmic" in found["DigitalSourceType"]
    )
    assert found["DigitalImageGUID"] == str(asset.disclosure.id)
    assert "Error" not in found
    raw = path.read_bytes()
    assert b"<Iptc4xmpExt:AISystemUsed>Studio &amp; S\xc3\xb6hne<" in raw
    assert b"AIPromptInformation" not in raw
