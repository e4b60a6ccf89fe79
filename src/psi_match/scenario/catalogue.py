"""Find and read scenario files: those that come with psi-match, and those of a node's own folder."""

from __future__ import annotations

from pathlib import Path

from psi_match.base.errors import ScenarioError
from psi_match.base.toml_file import read_model
from psi_match.scenario.expressions import check_expressions
from psi_match.scenario.join_model import AnyScenario, JoinScenario, ScenarioFile

_PACKAGED = Path(__file__).parent / "catalogue_files"
_CHECKOUT = Path(__file__).parents[3] / "scenarios"


def builtin_folder() -> Path:
    """Return the folder of the scenarios that come with psi-match: in the wheel, else in the checkout."""
    return _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT


def read_scenario(path: Path) -> AnyScenario:
    """Read one scenario file.

    Raises:
        ScenarioError: it cannot be read, is not valid, or its name differs from its file's.
    """
    scenario = read_model(path, ScenarioFile, ScenarioError).root
    if path.stem != scenario.name:
        raise ScenarioError(
            f"{path} holds scenario {scenario.name}: a file is named after its scenario.",
            f"Rename it to {scenario.name}.toml.",
        )
    if isinstance(scenario, JoinScenario):
        try:
            check_expressions(scenario)
        except ScenarioError as error:
            raise ScenarioError(f"{path}: {error.sentence}", error.hint) from None
    return scenario


class Catalogue:
    """The scenarios of one folder.

    Args:
        folder: where the files are; the built-in ones if None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or builtin_folder()

    def names(self) -> list[str]:
        """Return the names of all scenarios, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.toml"))

    def all(self) -> list[AnyScenario]:
        """Read every scenario.

        Raises:
            ScenarioError: one of them is not valid.
        """
        return [self.get(name) for name in self.names()]

    def get(self, name: str) -> AnyScenario:
        """Read one scenario by name.

        Raises:
            ScenarioError: there is none of this name, or it is not valid.
        """
        if name not in self.names():
            raise ScenarioError(
                f"There is no scenario named {name!r} in {self.folder}.",
                f"Known are: {', '.join(self.names()) or 'none'}.",
            )
        return read_scenario(self.folder / f"{name}.toml")
