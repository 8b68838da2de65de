"""The reference implementation of Croissant has nothing to say of a revision, and reads its rows."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

import mixes

try:
    import mlcroissant
except ImportError as missing:
    raise unittest.SkipTest(f"there is no mlcroissant here: {missing}")


def decoded(value):
    """A value as the file has it: the reader gives text as bytes, and names members by their whole path."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {name.rsplit("/", 1)[1]: decoded(v) for name, v in value.items()}
    return [decoded(v) for v in value] if isinstance(value, list) else value


class Croissant(unittest.TestCase):
    def test_validated_and_iterated(self):
        made = mixes.Mixes(common=200)
        self.addCleanup(made.close)
        for fmt in mixes.FORMATS:
            current = made.build("croissant-" + fmt, mixes.manifest(fmt=fmt, shards=2))
            said = subprocess.run([Path(sys.executable).with_name("mlcroissant"), "validate", "--jsonld", current / "croissant.json"], capture_output=True, text=True)
            notes = [line for line in said.stderr.splitlines() if line.startswith("  -  ")]
            self.assertEqual(said.returncode, 0, said.stderr)
            self.assertTrue(all("datePublished" in note for note in notes) and "error" not in said.stderr, said.stderr)
            info = json.loads((current / "mixed" / "info.json").read_text())
            data = mlcroissant.Dataset(str(current / "croissant.json"))
            sets = {s.uuid: s for s in data.metadata.record_sets}
            self.assertEqual(set(sets), {"splits", "dataset-common", "dataset-more", "dataset-rare", "export-rl", "export-sft", "export-text"}
                             | ({"records"} if fmt != "JSONLZstd" else set()))
            for name, record_set in sets.items():
                with self.subTest(fmt, records=name):
                    rows = [decoded({f"{name}/{k.split('/', 1)[1]}": v for k, v in row.items()}) for row in data.records(name)]
                    keys = {tuple(str(row[key.rsplit("/", 1)[1]]) for key in record_set.key) for row in rows}
                    self.assertEqual(len(keys), len(rows), "a key is there twice")
                    if name == "splits":
                        self.assertEqual([row["name"] for row in rows], ["train", "test"])
                        continue
                    counts = {split: sum(row["split"] == split for row in rows) for split in ("train", "test")}
                    folder = current / ("mixed" if name == "records" else name.replace("dataset-", "processed/").replace("export-", "exports/"))
                    if not name.startswith("dataset-"):
                        self.assertEqual(counts, {split: info["total_" + split] for split in counts})
                    members = ("id", "dataset", "domain") + {"export-rl": ("label", "solution", "data_source"), "export-sft": (), "export-text": ("text",)}.get(name, ("question", "reference_answer"))
                    for row in rows:
                        want = self.row(folder / row["file"], row["row"])
                        for member in members:
                            self.assertEqual(row[member], want[member])

    cache = {}

    def row(self, path, number):
        if path not in self.cache:
            self.cache[path] = mixes.plain(path)
        return self.cache[path][number]


if __name__ == "__main__":
    unittest.main()
