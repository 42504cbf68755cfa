"""Settings from a YAML file: a mapping in which nothing is dropped without a word.

YAML lets the second of two equal keys replace the first; here it is an error that names both lines.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from provenance.errors import ConfigurationError


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader; a key that is written twice in one mapping is an error."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._checked: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        # Only once: merging (<<) puts the keys of another mapping before those that are written here.
        if id(node) not in self._checked:
            self._checked.add(id(node))
            _refuse_repeated(node)
        super().flatten_mapping(node)


def _refuse_repeated(node: yaml.MappingNode) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line, name = key.start_mark.line + 1, key.value  # 2020 and "2020" are one key to whoever reads them
        first = lines.get(name)
        lines[name] = line
        if first is not None:
            raise ConfigurationError(
                f"line {line}: the key {key.value!r} is written twice (first on line {first}); "
                "keep one of them, as only one can count"
            )


def _where(error: yaml.MarkedYAMLError) -> str:
    """What stands where it cannot stand, in one line: the parser's own message has five, and calls the file a string."""
    mark = error.problem_mark or error.context_mark
    said = " ".join(filter(None, (error.context, error.problem)))
    return f"line {mark.line + 1}, column {mark.column + 1}: {said}" if mark else said


def read_settings(path: str | Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; empty where the file is.

    Raises:
        ConfigurationError: where it cannot be read, is not YAML, is no mapping or writes a key twice.
    """
    try:
        values = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_Loader) or {}
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    except RecursionError:
        raise ConfigurationError(f"{path}: is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}: is no text in UTF-8 (byte {error.start:,}); write it so"
        ) from error
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError(f"{path}: is not valid YAML: {_where(error)}") from error
    except (yaml.YAMLError, ValueError) as error:  # a day that no calendar has is a ValueError of the loader
        raise ConfigurationError(f"{path}: is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path}: must hold a mapping of sections, not {type(values).__name__}")
    return values
