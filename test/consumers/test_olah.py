"""Our source reads from olah, a Hub server by others, which serves git repositories of this machine and asks no other Hub."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import mixes

try:
    import olah  # noqa: F401
except ImportError as missing:
    raise unittest.SkipTest(f"there is no olah here: {missing}")
if not shutil.which("git"):
    raise unittest.SkipTest("there is no git here, and olah serves its repositories")

REPOSITORY = "people/rows"
CARD = """---
configs:
- {config_name: main, default: true, data_files: [{split: train, path: main/train-*.parquet}, {split: test, path: main/test.jsonl}]}
- {config_name: other, data_files: [{split: train, path: other/*.json.gz}]}
---
"""


def rows(what, n=40):
    return [{"q": f"{what} {i}?", "a": f"{what} – {i}"} for i in range(n)]


def asked(what, n=40):
    return sorted(row["q"] for row in rows(what, n))


class Olah(unittest.TestCase):
    def setUp(self):
        self.made = mixes.Mixes(common=1)
        self.addCleanup(self.made.close)
        self.repository = self.made.folder / "mirrors" / "datasets" / REPOSITORY
        self.repository.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments):
        environment = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"], "HOME": str(self.made.folder),
                       **{f"GIT_{who}_{what}": "rows@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}
        return subprocess.run(["git", "-C", self.repository, *arguments], check=True, capture_output=True, text=True, env=environment).stdout.strip()

    def commit(self, what):
        """A commit whose rows say what, as Parquet in two files, JSON Lines, and packed JSON."""
        for i in range(2):
            self.parquet(self.repository / "main" / f"train-{i:05}-of-00002.parquet", rows(what)[20 * i:20 * (i + 1)])
        mixes.lines(self.repository / "main" / "test.jsonl", rows(what + " test"))
        packed = self.repository / "other" / "all.json.gz"
        packed.parent.mkdir(exist_ok=True)
        packed.write_bytes(gzip.compress(json.dumps(rows(what + " packed")).encode(), mtime=0))
        (self.repository / "README.md").write_text(CARD)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", what)
        return self.git("rev-parse", "HEAD")

    def parquet(self, path, of):
        """Rows in Parquet, which the program itself writes: there is no other writer in this environment."""
        mixes.lines(self.made.folder / "rows" / "parquet.jsonl", of)
        text = mixes.one({"volume": {"claimName": "rows", "files": ["parquet.jsonl"]}}).replace("path: mix", "path: mix, format: Parquet")
        current = self.made.build("parquet", text)
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(current / "mixed" / "train_mixed.parquet", path)

    def read(self, endpoint, **source):
        """What is read of the repository: the questions, and the commit that the manifest names."""
        text = mixes.one({"huggingFace": {"repo": REPOSITORY, "endpoint": endpoint, **source}})
        if source.get("split") == "train" and source.get("config", "main") == "main" or "files" in source:
            text = text.replace("row.q,", "row.question,").replace("row.a,", "row.reference_answer,")
        shutil.rmtree(self.made.folder / "read", ignore_errors=True)
        current = self.made.build("read", text)
        return mixes.questions(current), json.loads((current / "manifest.json").read_text())["sources"][0]["revision"]

    def test_by_branch_tag_and_commit(self):
        first = self.commit("first")
        self.git("tag", "v1.0")
        second = self.commit("second")
        self.git("checkout", "--quiet", "-b", "next")
        third = self.commit("third")
        self.git("checkout", "--quiet", "main")
        config, at = self.made.folder / "olah.toml", mixes.port()
        config.write_text(f"""[basic]
host = "127.0.0.1"
port = {at}
repos-path = "{self.made.folder / 'cache'}"
mirrors-path = ["{self.made.folder / 'mirrors'}"]

[accessibility]
offline = true
""")
        with mixes.running([Path(sys.executable).with_name("olah-cli"), "-c", config], at, cwd=self.made.folder):
            endpoint = f"http://127.0.0.1:{at}"
            for revision, what, commit in (("main", "second", second), ("next", "third", third), ("v1.0", "first", first), (first, "first", first), (third, "third", third)):
                for source, want in (({"split": "train"}, asked(what)), ({"config": "main", "split": "test"}, asked(what + " test")),
                                     ({"config": "other", "split": "train"}, asked(what + " packed")), ({"files": ["main/*-00001-*"]}, sorted(r["q"] for r in rows(what)[20:]))):
                    with self.subTest(revision=revision, **source):
                        self.assertEqual(self.read(endpoint, revision=revision, **source), (want, commit))
            with self.assertRaisesRegex(AssertionError, "people/rows"):  # olah answers as if there were no repository
                self.read(endpoint, revision="v9", split="train")


if __name__ == "__main__":
    unittest.main()
