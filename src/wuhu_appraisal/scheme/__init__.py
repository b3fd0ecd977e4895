"""The rules as data: models, loading with line numbers, checks."""
