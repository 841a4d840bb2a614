"""The rule judge: hand-written rules, each with its evidence; never a model.

Every rule looks for one kind of sign and returns the spans it rests on. The rules are written for
precision: what they do not find may still be there, and most kinds of thinking and reading error
they cannot see at all. ``RuleJudge.assesses`` lists what they can give.
"""

from erranal.judge.rules.judge import RuleJudge

__all__ = ["RuleJudge"]
