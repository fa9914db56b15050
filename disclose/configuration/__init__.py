"""What a deployment is told: settings and their kinds, the sources they come from, presets, and duties by role.

Nothing here marks or verifies; :class:`disclose.profile.Profile` does with these values.
"""
