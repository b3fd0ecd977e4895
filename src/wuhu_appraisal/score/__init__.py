"""Scores through steps to a ranking, with a trace."""
