"""The public detector: a page, an API and signed reports, over the profile's verifier.

``app(profile)`` is an ASGI application that can be mounted anywhere; ``disclose serve`` runs it.

Every provider of a generative AI system has to offer detection beside its marks (EU AI Act, Article 50(2), guidelines
69-70; Code of Practice, measure 2; California's SB 942, 22757.2). What is sent here is held in memory while it is
looked at and is then gone: no body is written to a file, a log or the ledger.
"""

from disclose.detector.application import app
from disclose.detector.settings import Settings

__all__ = ["Settings", "app"]
