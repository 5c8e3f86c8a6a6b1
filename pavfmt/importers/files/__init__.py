"""Readers of the file formats that importers meet: none trusts a byte."""
