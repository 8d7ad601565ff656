"""How the package is built: the site's templates, which a clone keeps at its top level, travel inside `goby_site`."""

from __future__ import annotations

from pathlib import Path

from setuptools.command.build_py import build_py

TOP_LEVEL = Path("templates")


class BuildWithTemplates(build_py):  # type: ignore[misc] # setuptools is not typed
    """Setuptools' own step, and then the copy. An editable installation finds them where they are."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for source, target in self._copies().items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target)

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *self._copies()]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *self._copies().values()]

    def _copies(self) -> dict[str, str]:
        """Each file below templates/, and where it goes."""
        folder = Path(self.build_lib) / "goby_site" / "templates"
        found = sorted(path for path in TOP_LEVEL.rglob("*") if path.is_file())
        return {str(path): str(folder / path.relative_to(TOP_LEVEL)) for path in found}
