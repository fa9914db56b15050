"""The demo: a small painter, an app around it, and the story it tells in the terminal."""
