"""A workspace of another version or configuration: what of its shards stands, what runs again on their texts, what needs the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipelines.annotate import ShardTask
from provenance.annotate import Annotation
from provenance.files.differences import describe_differences
from provenance.files.facts import shard_facts
from provenance.files.workspace import Workspace, input_fingerprint


def plan_migration(
    workspace: Workspace, annotation: Annotation, tasks: Sequence[ShardTask], note: Callable[[str], None]
) -> list[ShardTask]:
    """The tasks, of which those whose shard can be brought up to date say which annotators run again on its texts.

    `tasks` are those whose shards do not stand. Notes what has changed, where something has. Records on which an annotator
    failed have no text in their shard: it is made from the pages again, or mending the annotator would not mend them.
    """
    state = workspace.read_state("annotate")
    if state is None or state["fingerprint"] == annotation.fingerprint():
        return list(tasks)
    changed = describe_differences(state["configuration"], annotation.configuration.model_dump(mode="json"))
    where = f"{workspace.directory} was annotated with another configuration ({changed})"
    if "parts" not in state:
        note(f"{where}: all inputs are annotated again")
        return list(tasks)
    names, needed = annotation.reruns(state["parts"])
    if needed:
        note(f"{where}: all inputs are annotated again, because of {', '.join(needed)}")
        return list(tasks)
    again = (
        f"{', '.join(names)} run again on the texts of its shards" if names else "its shards are written anew"
    )
    facts = shard_facts(workspace, [task.path for task in tasks])
    ours = {task.path for task in tasks if _made_by(facts.get(task.path, {}), task, state["fingerprint"])}
    failed = {path for path in ours if "annotator_failed" in facts[path].get("outcomes", {})}
    read = (
        f"{len(failed):,} inputs of which an annotator failed are read again"
        if failed
        else "no input of it is read again"
    )
    note(f"{where}: {again}; {read}")
    return [replace(task, rerun=tuple(names)) if task.path in ours - failed else task for task in tasks]


def _made_by(metadata: Mapping[str, Any], task: ShardTask, before: str) -> bool:
    """Whether the shard was made from this very input by the annotators of the state, and the input could be opened."""
    same = metadata.get("fingerprint") == input_fingerprint(task.input, before, task.span)
    return same and bool(metadata.get("opened", True))
