"""Commands on what codes are worth and how common they are."""

from erranal.cli.coded.agreeing import agreement
from erranal.cli.coded.margins import margin
from erranal.cli.coded.planning import plan
from erranal.cli.coded.rates import prevalence

COMMANDS = (agreement, prevalence, margin, plan)
