"""Projects for the tests of assets."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.projects import Cooks, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def cook(project: Project) -> Cooks:
    return Cooks(project)
