"""The numbers of the format stand in spec/registry.json; what repeats them is written from there.

FORMAT.md makes the rules, and registry.json holds their numbers, both edited by hand. Nobody copies a number: the
Python and TypeScript modules, and the tables of §10 and §11, are made by `python -m spec.tools.registry`.
"""
