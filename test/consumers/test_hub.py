"""The Hub's own client and load_dataset read the six data sets from the stand-in that the other tests rest on.

The stand-in is the program that the environment variable DATASETMIX_HUB names.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import mixes

try:
    import datasets
    import huggingface_hub
except ImportError as missing:
    raise unittest.SkipTest(f"there is no client of the Hub here: {missing}")

SIX = (("openai/gsm8k", "main"), ("EleutherAI/hendrycks_math", "algebra"), ("rajpurkar/squad_v2", None), ("hotpotqa/hotpot_qa", "distractor"),
       ("openai/openai_humaneval", None), ("google-research-datasets/mbpp", "sanitized"))

# A process of its own: the client reads its environment once.
CLIENT = """
import sys, datasets, huggingface_hub as hub
datasets.disable_progress_bars()
api = hub.HfApi()
for line in sys.stdin.read().split("\\n")[:-1]:
    repo, config = line.split(" ")
    info = api.dataset_info(repo, files_metadata=True)
    assert all(s.size is not None and (s.lfs is None or s.lfs.sha256) for s in info.siblings), info.siblings
    paths = sorted(s.rfilename for s in info.siblings)
    tree = list(api.list_repo_tree(repo, recursive=True, repo_type="dataset"))
    assert sorted(t.path for t in tree if hasattr(t, "size")) == paths, tree
    assert {p.path for p in api.get_paths_info(repo, paths, repo_type="dataset")} == set(paths)
    assert api.list_repo_refs(repo, repo_type="dataset").branches[0].target_commit == info.sha
    assert api.list_repo_commits(repo, repo_type="dataset")[0].commit_id == info.sha
    folder = hub.snapshot_download(repo, repo_type="dataset", revision=info.sha)
    import hashlib, os
    for s in info.siblings:
        if s.lfs:
            assert hashlib.sha256(open(os.path.join(folder, s.rfilename), "rb").read()).hexdigest() == s.lfs.sha256
    loaded = datasets.load_dataset(repo, None if config == "-" else config)
    print(repo, *(f"{split}={len(rows)}" for split, rows in loaded.items()))
"""


class Hub(unittest.TestCase):
    def test_the_six_data_sets(self):
        cache = tempfile.mkdtemp(prefix="datasetmix-consumers-hub-")
        self.addCleanup(shutil.rmtree, cache, ignore_errors=True)
        with mixes.hub() as endpoint:
            environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
            environment.update(HF_ENDPOINT=endpoint, HF_HOME=cache, HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_XET="1")
            asked = "".join(f"{repo} {config or '-'}\n" for repo, config in SIX)
            done = subprocess.run([sys.executable, "-c", CLIENT], input=asked, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()], [repo for repo, _ in SIX])
        self.assertNotIn("=0", done.stdout)


if __name__ == "__main__":
    unittest.main()
