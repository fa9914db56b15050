"""Media: one codec per modality, telling files apart, and reading and writing them whole."""
