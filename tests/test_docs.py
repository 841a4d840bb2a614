"""The README cannot drift: its tables, code and links are checked against the project."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

import erranal
from erranal.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_the_command_table_is_the_parser():
    rows = dict(re.findall(r"^\| `erranal (\S+)` \| (.+?) \|$", README, re.MULTILINE))
    context = click.Context(app)
    commands = {
        name: app.get_command(context, name).help.split("\n")[0]
        for name in app.list_commands(context)
    }
    assert rows == commands


def test_the_tables_of_groups_are_the_parser():
    rows = dict(re.findall(r"^\| `erranal (\S+ [^`]+)` \| (.+?) \|$", README, re.MULTILINE))
    assert rows == dict(_inside(app, ""))


def _inside(group, path):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _inside(command, f"{path}{name} ")
        elif path:
            yield f"{path}{name}", command.help.split("\n")[0]


def test_the_stage_table_is_the_order_of_work():
    stages = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert stages == list(erranal.STAGES)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_flags_of_the_examples_exist():
    context = click.Context(app)
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL):
        for line in re.findall(r"^erranal (.*)$", block, re.MULTILINE):
            words, command = line.split(), app
            while isinstance(command, click.Group):
                command = command.get_command(context, words.pop(0))
            known = {option for p in command.params for option in p.opts}
            assert set(re.findall(r"--[\w-]+", line)) <= known


@pytest.mark.parametrize("stage", erranal.STAGES)
def test_every_stage_has_run_with_a_docstring(stage):
    run = getattr(erranal, stage).run
    assert len(run.__doc__) > 40


def test_nothing_names_this_machine_or_a_registry_host():
    skipped = {".git", ".venv", "erranal-demo"}
    hosts = re.compile(r"pypi\.org|pythonhosted|registry\.npmjs|deb\.debian|download\.pytorch")
    for path in ROOT.rglob("*"):
        parts = set(path.relative_to(ROOT).parts)
        if (
            path.is_file()
            and not parts & skipped
            and path.suffix in {".py", ".md", ".toml", ".yaml"}
        ):
            text = path.read_text("utf-8")
            if path != Path(__file__):
                assert not hosts.search(text), path
