"""LLaMA-Factory's and Axolotl's own loaders read exports. What they import and these of their functions do not call, PyTorch and its like, some
GB, is a stand-in where it is not installed."""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import types
import unittest
from unittest import mock

import mixes

STAND_INS = ("torch", "torchaudio", "peft", "accelerate", "numba", "trl", "bitsandbytes", "wandb")
os.environ["HF_HUB_OFFLINE"] = os.environ["DISABLE_VERSION_CHECK"] = "1"
os.environ["HF_HOME"] = CACHE = tempfile.mkdtemp(prefix="datasetmix-consumers-loaders-")


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what is not installed, as modules that have every name."""

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in STAND_INS else None

    def create_module(self, spec):
        module = mock.MagicMock(name=spec.name)
        module.__path__, module.__spec__, module.__version__ = [], spec, "2.0"
        for name in ("Tensor", "Generator", "Module"):  # datasets asks whether a value is one
            setattr(module, name, type(name, (), {}))
            setattr(module.nn, name, type(name, (), {}))
        return module

    def exec_module(self, module):
        pass


try:
    import datasets
    import transformers  # before the stand-ins: it asks which others are there
except ImportError as missing:
    raise unittest.SkipTest(f"there are no transformers here: {missing}")
datasets.disable_progress_bars()

CHATS = (("plain", "messages", {"messages": [{"role": "user", "content": "Hi {i}?"}, {"role": "assistant", "content": "Hello {i}."}]}),
         ("shared", "sharegpt", {"conversations": [{"from": "human", "value": "One {i}?", "weight": 1}, {"from": "gpt", "value": "{i}.", "weight": 0.5},
                                                   {"from": "human", "value": "Two?"}, {"from": "gpt", "value": "2."}], "system": "Be brief."}),
         ("told", "alpaca", {"instruction": "Do {i}.", "input": "", "output": "Done {i}.", "system": "", "history": [["Before {i}?", "Yes."]]}))


def chats(folder):
    sets = ""
    for name, preset, row in CHATS:
        mixes.lines(folder / f"{name}.jsonl", (json.loads(json.dumps(row).replace("{i}", str(i))) for i in range(24)))
        sets += f"    - {{name: {name}, source: {{volume: {{claimName: rows, files: [{name}.jsonl]}}}}, record: {{preset: {preset}}}}}\n"
    text = mixes.pairs(folder)
    start, end = text.index("    - {name: pairs"), text.index("  output:")
    text = text[:start] + sets + text[end:]
    return text.replace("{name: dpo, format: Preference}, ", "")


def stand_in():
    """Has the stand-ins found until the tests of this module have run."""
    finder, packages = StandIns(), ("axolotl.loaders", "axolotl.utils.data")
    sys.meta_path.append(finder)

    def remove():
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] in STAND_INS or name in packages]:
            del sys.modules[name]

    unittest.addModuleCleanup(remove)
    axolotl = importlib.util.find_spec("axolotl")
    for package in packages if axolotl else ():  # which import all models and trainers; the modules below are Axolotl's own
        sys.modules[package] = module = mock.MagicMock(name=package)
        module.__spec__ = importlib.machinery.ModuleSpec(package, None, is_package=True)
        module.__path__ = [os.path.join(axolotl.submodule_search_locations[0], *package.split(".")[1:])]


def setUpModule():
    global MADE, TALK, PAIRS
    stand_in()
    MADE = mixes.Mixes(common=1)
    unittest.addModuleCleanup(shutil.rmtree, CACHE, ignore_errors=True)
    unittest.addModuleCleanup(MADE.close)
    TALK = MADE.build("chats", chats(MADE.folder / "rows"))
    PAIRS = MADE.build("pairs", mixes.pairs(MADE.folder / "rows"))
    unittest.addModuleCleanup(os.chdir, os.getcwd())
    os.chdir(CACHE)  # where Axolotl leaves what it prepared


def rows(folder, split="train"):
    return datasets.load_dataset(str(folder), split=split).to_list()


class LLaMAFactory(unittest.TestCase):
    def setUp(self):
        try:
            from llamafactory.data import loader, parser
        except ImportError as missing:
            self.skipTest(f"there is no LLaMA-Factory here: {missing}")
        self.loader, self.parser = loader, parser

    def load(self, folder, name):
        """What the loader makes of an entry of dataset_info.json."""
        data = types.SimpleNamespace(dataset_dir=str(folder), media_dir=str(folder), streaming=False, max_samples=None, preprocessing_num_workers=None, overwrite_cache=True)
        of_model = types.SimpleNamespace(cache_dir=CACHE, hf_hub_token=None)
        training = types.SimpleNamespace(local_process_index=0, dataloader_num_workers=0)
        (attributes,) = self.parser.get_dataset_list([name], str(folder))
        return self.loader._load_single_dataset(attributes, of_model, data, training).to_list()

    def test_sft(self):
        for split in ("train", "test"):
            want = []
            for row in rows(TALK / "exports" / "sft", split):
                system = [turn["content"] for turn in row["messages"] if turn["role"] == "system"]
                want.append((system[0] if system else "", [turn for turn in row["messages"] if turn["role"] != "system"]))
            got = [(row["_system"] or "", row["_prompt"] + row["_response"]) for row in self.load(TALK / "exports" / "sft", "pairs_" + split)]
            self.assertEqual(got, want)
            self.assertTrue(any(system == "Be brief." for system, _ in got))
            self.assertEqual({len(turns) for _, turns in got}, {2, 4})

    def test_text(self):
        got = [row["_prompt"][0]["content"] for row in self.load(TALK / "exports" / "text", "pairs_train")]
        self.assertEqual(got, [row["text"] for row in rows(TALK / "exports" / "text")])

    def test_pairs_of_the_mixed_files(self):
        """The entry that docs/consumers.md shows."""
        folder = MADE.folder / "factory"
        folder.mkdir()
        text = mixes.pairs(MADE.folder / "rows")
        lines = text.split("\n")
        current = MADE.build("texts", "\n".join(line for line in lines if "{name: chats" not in line))
        entry = {"file_name": str(current / "mixed" / "train_mixed.jsonl"), "ranking": True, "columns": {"prompt": "question", "chosen": "chosen", "rejected": "rejected"}}
        (folder / "dataset_info.json").write_text(json.dumps({"pairs": entry}))
        got = [(row["_prompt"][0]["content"], *(turn["content"] for turn in row["_response"])) for row in self.load(folder, "pairs")]
        self.assertEqual(got, [(row["question"], row["chosen"], row["rejected"]) for row in mixes.plain(current / "mixed" / "train_mixed.jsonl")])


TEMPLATE = "{% for m in messages %}<{{m['role']}}>{{m['content']}}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"


def tokenizer():
    import tokenizers
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    raw = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={c: i for i, c in enumerate(["<pad>", "</s>", *alphabet])}, merges=[]))
    raw.pre_tokenizer, raw.decoder = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False), tokenizers.decoders.ByteLevel()
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<pad>", eos_token="</s>", model_input_names=["input_ids", "attention_mask"])
    made.chat_template = TEMPLATE
    return made


class Axolotl(unittest.TestCase):
    def setUp(self):
        try:
            rl = importlib.import_module("axolotl.utils.data.rl")
            from axolotl.utils.dict import DictDefault
            from axolotl.utils.schemas.enums import RLType
        except ImportError as missing:
            self.skipTest(f"there is no Axolotl here: {missing}")
        self.rl, self.DictDefault, self.RLType = rl, DictDefault, RLType

    def split(self, kind, dataset):
        """What the loader of a configuration with `rl:` makes of its data set."""
        config = self.DictDefault({"rl": self.RLType(kind), "datasets": [dataset], "chat_template": "tokenizer_default", "sequence_len": 4096, "dataset_num_proc": 1})
        with mock.patch.object(self.rl, "load_tokenizer", lambda _: tokenizer()):
            return self.rl._load_split(config, "train").to_list()

    def test_grpo(self):
        folder = TALK / "exports" / "rl"
        self.assertEqual(self.split("grpo", {"path": str(folder), "split": "train"}), rows(folder))

    def test_dpo(self):
        folder = PAIRS / "exports" / "dpo"
        got = self.split("dpo", {"path": str(folder), "split": "train", "type": "chat_template.default", "field_messages": "prompt", "field_chosen": "chosen", "field_rejected": "rejected"})
        want = [("".join(f"<{t['role']}>{t['content']}</s>" for t in row["prompt"]) + "<assistant>", *(row[kind][-1]["content"] for kind in ("chosen", "rejected"))) for row in rows(folder)]
        self.assertEqual([(row["prompt"], row["chosen"].removesuffix("</s>"), row["rejected"].removesuffix("</s>")) for row in got], want)

    def test_sft(self):
        from axolotl.prompt_strategies import chat_template
        folder, words = TALK / "exports" / "sft", tokenizer()
        config = self.DictDefault({"chat_template": "tokenizer_default", "sequence_len": 4096, "train_on_inputs": False})
        strategy = chat_template.load(words, config, self.DictDefault({"path": str(folder), "type": "chat_template"}))
        for row in rows(folder)[:20]:
            made = strategy.tokenize_prompt(row)
            self.assertEqual(words.decode(made["input_ids"]), words.apply_chat_template(row["messages"], tokenize=False))
            learned = words.decode([of for of, label in zip(made["input_ids"], made["labels"]) if label != -100])
            self.assertIn(row["messages"][-1]["content"], learned)


if __name__ == "__main__":
    unittest.main()
