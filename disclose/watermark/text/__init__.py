"""The text watermark: a mark in the choice of words, made while a model draws its tokens.

>>> from disclose.watermark.text import gumbel
>>> token = gumbel.sample(logits, context, key)         # doctest: +SKIP
>>> gumbel.detect(token_ids, key).reason                # doctest: +SKIP
<Reason.MARKED: 'marked'>

Nothing is added to the text, and no model is needed to read it: token ids and the key are enough. In reading order:

* what every scheme rests on: contexts (what seeds a token's randomness), prf (the keyed randomness), significance
  (how sure to be), spans (where in the text), detection (what is reported);
* the schemes: gumbel (ours), synthid (as transformers writes it; saddlepoint gives its p-value), philox and murmur
  (vLLM's and SGLang's);
* engines: the marks of engines by name; search: several keys, tokenizers and schemes at once.
"""

from disclose.watermark.text.detection import Detection, Reason
from disclose.watermark.text.significance import INDICATED_AT, REPORT_AT
from disclose.watermark.text.spans import Span

__all__ = ["INDICATED_AT", "REPORT_AT", "Detection", "Reason", "Span"]
