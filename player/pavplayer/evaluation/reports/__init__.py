"""Evaluations as tables, plots and sheets."""
