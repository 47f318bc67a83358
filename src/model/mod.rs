//! What users mean: parsed, bounded types in which the invalid cannot be written down.
