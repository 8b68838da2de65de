"""Hugging Face datasets reads what is published: every configuration in every format, and what is there after an edit."""

import os
import re
import shutil
import tempfile
import unittest
from pathlib import Path

import mixes

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = CACHE = tempfile.mkdtemp(prefix="datasetmix-consumers-cache-")
try:
    import datasets
except ImportError as missing:
    raise unittest.SkipTest(f"there are no Hugging Face datasets here: {missing}")
datasets.disable_progress_bars()


def tearDownModule():
    shutil.rmtree(CACHE, ignore_errors=True)


def configurations(folder):
    """The configurations of a card, and the files of their splits."""
    import yaml
    card = yaml.safe_load(re.match(r"---\n(.*?)\n---\n", (folder / "README.md").read_text(), re.S).group(1))
    return {config["config_name"]: {f["split"]: f["path"] for f in config["data_files"]} for config in card["configs"]}


class Datasets(unittest.TestCase):
    def compare(self, folder, config, split, files, streaming):
        want = [row for file in files for row in mixes.plain(folder / file)]
        got = datasets.load_dataset(str(folder), config, split=split, streaming=streaming)
        in_parquet = files[0].endswith(".parquet")
        read = 0
        for expected, row in zip(want, got):
            if "metadata" in row and in_parquet:
                import json
                row = {**row, "metadata": json.loads(row["metadata"])}
            self.assertEqual(list(mixes.differences(expected, row)), [], f"{folder.name} {config} {split}, row {read}")
            read += 1
        self.assertEqual(read, len(want))
        if not streaming:
            self.assertEqual(len(got), len(want))

    def test_every_configuration_of_every_format(self):
        made = mixes.Mixes()
        self.addCleanup(made.close)
        for fmt in mixes.FORMATS:
            current = made.build("formats-" + fmt, mixes.manifest(fmt=fmt, shards=2, shares=(3000, 1)))
            for folder in (current, current / "processed", current / "test"):
                found = configurations(folder)
                names = set(found) - {"default"}
                if folder != current:
                    self.assertEqual(set(found), {"common", "more", "rare"})
                else:
                    self.assertEqual(names, set() if fmt == "Parquet" else {"common", "more", "rare"})
                for config, splits in found.items():
                    for split, files in splits.items():
                        for streaming in (False, True):
                            with self.subTest(fmt, folder=folder.name, config=config, split=split, streaming=streaming):
                                self.compare(folder, config, split, files, streaming)

    def test_an_edit_and_another_mix_behind_one_path_with_a_warm_cache(self):
        made = mixes.Mixes(common=200)
        self.addCleanup(made.close)
        for fmt in mixes.FORMATS:
            for text in (mixes.manifest(fmt=fmt, shares=(2, 1)), mixes.manifest(fmt=fmt, shares=(1, 2)),
                         mixes.manifest(fmt=fmt, shares=(1, 2), name="another").replace("seed: 7", "seed: 8")):
                current = made.build("edited-" + fmt, text)
                for folder in (current, current / "processed", current / "test"):
                    for config, splits in configurations(folder).items():
                        for split, files in splits.items():
                            with self.subTest(fmt, folder=folder.name, config=config, split=split):
                                self.compare(folder, config, split, files, False)
                self.exports(current, ("rl", "sft", "text"), fmt)
            for edit in ({}, {"seed": 8}, {"seed": 9, "name": "another"}):
                self.exports(made.build("pairs-" + fmt, mixes.pairs(made.folder / "rows", fmt, **edit)), mixes.PAIRED, fmt)

    def exports(self, current, names, fmt):
        """Exports have no card: their splits are found by the names of the files."""
        for folder in (current / "exports" / name for name in names):
            for split in ("train", "test"):
                with self.subTest(fmt, folder=folder.name, split=split):
                    self.compare(folder, None, split, [split + ".parquet"], False)


if __name__ == "__main__":
    unittest.main()
