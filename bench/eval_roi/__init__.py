"""`make eval-roi`: whether the judge of investments tells the truth, where the truth is known.

docs/roi-evaluation.md fixes what each scenario must show; it was written before any run. The
worlds are the simulator's, the answers come from its seal, and nothing in here knows how
`models` arrives at its own.
"""
