"""Stage 1: the annotators of a configuration, and one crawl file to annotated batches."""

from provenance.annotate.annotation import READER, Annotation, Extracted
from provenance.annotate.file import DocumentIds, ahead, annotate_chosen, annotate_records, unreadable_file

__all__ = [
    "READER",
    "Annotation",
    "DocumentIds",
    "Extracted",
    "ahead",
    "annotate_chosen",
    "annotate_records",
    "unreadable_file",
]
