"""Recovery, for the service: the finding is the one that every other check of a file adds."""

from disclose.recovery import with_recovered

__all__ = ["with_recovered"]
