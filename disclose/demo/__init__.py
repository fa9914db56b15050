"""The demo: a small painter, an app around it, and the story it tells in the terminal."""

import os

# Gradio reads this when it is imported, and would otherwise report each launch to its makers.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
