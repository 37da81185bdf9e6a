"""What is noted of an operation, while it is planned and executed, for those who run the server."""

from collections.abc import Iterator
from time import perf_counter_ns
from typing import Any, Protocol

from strawberry.extensions import SchemaExtension

from app.graph.documents import OperationName


class Notes(Protocol):
    """Takes notes of one operation."""

    def note_said(self, said: object) -> None:
        """Note what the client said, so that nothing of it gets into a log."""

    def note_operation(self, name: OperationName) -> None:
        """Note which operation it is."""

    def note_plan(self, began: int) -> None:
        """Note that since `began`, in nanoseconds of `perf_counter_ns`, the operation was looked at."""

    def note_execution(self, began: int) -> None:
        """Note that it was executed since then."""

    def note_begin(self) -> None:
        """Note that it is given to the executor."""

    def note_code(self, code: str) -> None:
        """Note an error that its answer tells as data."""


class TakesNotes(SchemaExtension):
    """Has noted what the executor does, whichever way an operation came to it.

    Stands before all other extensions, so that what they do is noted too.
    """

    def on_validate(self) -> Iterator[None]:
        """Note how long it took to find an operation valid, and which it is."""
        notes = self._notes
        if notes is None:
            yield
            return
        execution, began = self.execution_context, perf_counter_ns()
        notes.note_said((execution.query, execution.variables))
        yield
        notes.note_plan(began)
        document = execution.context.known
        if document is not None:
            notes.note_operation(document.name_of(document.operation_named(execution.operation_name)))

    def on_execute(self) -> Iterator[None]:
        """Note how long the execution took; of a subscription, its beginning."""
        notes, began = self._notes, perf_counter_ns()
        if notes is None:
            yield
            return
        notes.note_begin()
        try:
            yield
        finally:
            notes.note_execution(began)

    @property
    def _notes(self) -> Notes | None:
        context: Any = self.execution_context.context
        return None if context is None else context.notes
