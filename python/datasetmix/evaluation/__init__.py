"""Evaluates a model on the test rows of a revision: asks it, or reads what it said, and scores every answer.

`python -m datasetmix evaluate` and `python -m datasetmix compare` are made of this package; docs/evaluation.md says how they are used.
"""
