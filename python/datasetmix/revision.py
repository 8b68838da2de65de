"""A published revision as training reads it: which files hold which rows, in which proportions, and the digest that stands for all."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasetmix.rows import FORMATS, Shards

__all__ = ["Dataset", "Revision"]

MANIFEST = "datasetmix.manifest/v1"
"""The version of manifest.json that is understood."""


@dataclass(frozen=True)
class Dataset:
    """A data set in a split of the plan.

    available: its rows. balanced: its part of its domain's pool, which says how often it is taken beside the others.
    """

    name: str
    domain: str
    available: int
    balanced: int


class Revision:
    """A revision that was published, or its folder mixed/ alone."""

    def __init__(self, data_dir: str | Path) -> None:
        """Opens a revision, its link `current`, or its folder mixed/.

        A link is followed once, so that a later publication changes nothing here. Errors: FileNotFoundError where there is no
        revision, ValueError where its manifest is damaged or of another version.
        """
        named = folder = Path(data_dir).resolve()
        if folder.name == "mixed" and not (folder / "manifest.json").exists():
            folder = folder.parent
        self.folder = folder
        if (folder / "manifest.json").is_file():
            content = (folder / "manifest.json").read_bytes()
            manifest = _json(folder / "manifest.json", content)
            self.digest = _digest(folder / "manifest.json", content, manifest)
            self._plan, self.seed = manifest["plan"]["splits"], int(manifest["recipe"]["seed"])
            self.replacement = manifest["recipe"].get("resample") == "WithReplacement"
            self._files: dict[str, int | None] | None = {file["path"]: file.get("rows") for file in manifest["files"]}
        elif (info := self._info(named)) is not None:
            content = info.read_bytes()
            described = _json(info, content)
            # The files lie beside info.json, wherever that is mounted.
            self.folder = info.parent
            self.digest = hashlib.sha256(content).hexdigest()
            self._plan, self.seed = described["plan"], int(described["seed"])
            self.replacement = any(d.get("drawn") for s in self._plan for domain in s["domains"] for d in domain["datasets"])
            self._files = None
        else:
            raise FileNotFoundError(
                f"{data_dir} is no revision: it has neither manifest.json nor mixed/info.json. Name a folder that was published, such as"
                " <path>/current on the volume of the mix"
            )

    @staticmethod
    def _info(data_dir: Path) -> Path | None:
        candidates = (data_dir / "info.json", data_dir / "mixed" / "info.json")
        return next((path for path in candidates if path.is_file()), None)

    @property
    def splits(self) -> list[str]:
        """The names of the mixed splits."""
        return [split["name"] for split in self._plan]

    def datasets(self, split: str) -> list[Dataset]:
        """The data sets of a split, sorted by domain and name. A ValueError names the splits that there are."""
        planned = next((s for s in self._plan if s["name"] == split), None)
        if planned is None:
            raise ValueError(f"there is no split {split!r}: the mix has {', '.join(self.splits)}")
        found = [
            Dataset(d["name"], domain["name"], d["available"], d["balanced"]) for domain in planned["domains"] for d in domain["datasets"]
        ]
        return sorted(found, key=lambda d: (d.domain, d.name))

    def mixed(self, split: str) -> Shards:
        """The rows of a mixed split, in its order."""
        self.datasets(split)
        return self._shards("mixed", f"{split}_mixed", f"the mixed split {split}")

    def processed(self, dataset: str, split: str) -> Shards:
        """The rows of one data set in a split, in its keyed order."""
        return self._shards(f"processed/{dataset}", split, f"the rows of {dataset} in {split}")

    def _shards(self, folder: str, name: str, what: str) -> Shards:
        pattern = re.compile(re.escape(name) + r"(?:-\d{5}-of-\d{5})?(\..*)")
        if self._files is None:
            beside = self.folder if folder == "mixed" else self.folder.parent / folder
            listed: dict[str, int | None] = {str(path): None for path in beside.glob("*")} if beside.is_dir() else {}
        else:
            listed = {path: rows for path, rows in self._files.items() if str(Path(path).parent) == folder}
        by_format: dict[str, list[str]] = {}
        for path in sorted(listed):
            if match := pattern.fullmatch(Path(path).name):
                by_format.setdefault(match[1], []).append(path)
        found = next((by_format[ending] for ending in FORMATS if ending in by_format), [])
        missing = [path for path in found if not (self.folder / path).is_file()]
        if not found or missing:
            raise FileNotFoundError(
                f"{self.folder} lacks {what}{': ' + ', '.join(missing) if missing else ''}. Mount the whole revision, and let output.keep"
                " of the mix name what is read"
            )
        return Shards([(self.folder / path, listed[path]) for path in found])


def _json(path: Path, content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError as e:
        raise ValueError(f"{path} is damaged: {e}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path} is damaged: it holds no JSON object")
    return value


def _digest(path: Path, content: bytes, manifest: dict[str, Any]) -> str:
    """The SHA-256 of the manifest, which is status.published.digest of its mix, after its bytes were compared with the digest in them."""
    if manifest.get("version") != MANIFEST:
        raise ValueError(f"{path} has the version {manifest.get('version')!r}, and this package reads {MANIFEST}: install one that fits")
    digest = str(manifest.get("sha256"))
    unsigned = content.replace(f'"sha256": "{digest}"'.encode(), b'"sha256": ""', 1)
    if hashlib.sha256(unsigned).hexdigest() != digest:
        raise ValueError(f"{path} is damaged: its digest is not the one that it states. Copy or build the revision again")
    return hashlib.sha256(content).hexdigest()
