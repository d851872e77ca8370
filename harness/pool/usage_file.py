"""One Parquet file of a usage store: written under another name, then put in place at once."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_A_GROUP: Final = 4096
_META: Final = b"pool"


def meta_of(schema: pa.Schema) -> dict[str, Any]:
    """Return what `publish` was given as `meta`."""
    found: dict[str, Any] = json.loads(schema.metadata[_META])
    return found


def publish(
    table: pa.Table,
    path: Path,
    encoding: Mapping[str, str],
    meta: Mapping[str, object],
    *,
    replace: bool,
) -> bool:
    """Write under another name, then link or move into place; False if it was there before."""
    table = table.replace_schema_metadata({_META: json.dumps(meta)})
    handle, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            pq.write_table(
                table,
                file,
                row_group_size=ROWS_A_GROUP,
                compression="zstd",
                use_dictionary=False,
                write_statistics=False,
                column_encoding=dict(encoding),
            )
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(path)
            return True
        try:
            path.hardlink_to(part)
        except FileExistsError:
            return False
        return True
    finally:
        part.unlink(missing_ok=True)
