"""How good pictures of prefixes are, and how soon they come.

`metrics` compares two pictures, `quality` many, with `structural_similarity` compiled. `views` says from where and in
which expressions, `references` what is compared with, `prefixes` what a part of a file shows. On these stand the two
measurements: `curve` (quality against bytes) and `budgets` (the tables of a paper, with `first_picture` for the wait),
whose `figures` are plain values. `reports` writes those for people.

`framings` says what a viewer may look at (`eval-v2`), `likeness` measures over that, the worst window included
(`windows`, compiled), and `comparing` puts a whole file beside what it was encoded from.
"""
