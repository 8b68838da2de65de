"""The own loaders of LLaMA-Factory, Axolotl, OpenRLHF and ms-swift read exports. What they import and these of their functions do not call, PyTorch
and its like, some GB, is a stand-in where it is not installed."""

import asyncio
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

STAND_INS = ("torch", "torchaudio", "peft", "accelerate", "numba", "trl", "bitsandbytes", "wandb", "aiohttp", "PIL", "modelscope", "json_repair")
# Packages that import all models and trainers when they are imported; the modules below them are the library's own.
PACKAGES = ("axolotl.loaders", "axolotl.utils.data", "openrlhf.utils", "swift.dataset", "swift.template")
os.environ["HF_HUB_OFFLINE"] = os.environ["DISABLE_VERSION_CHECK"] = "1"
os.environ["HF_HOME"] = CACHE = tempfile.mkdtemp(prefix="datasetmix-consumers-loaders-")


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what is not installed, as modules that have every name."""

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in STAND_INS else None

    def create_module(self, spec):
        module = mock.MagicMock(name=spec.name)
        module.__path__, module.__spec__, module.__version__ = [], spec, "2.0"
        for name in ("Tensor", "Generator", "Module", "Dataset"):  # datasets asks whether a value is one, and classes derive from them
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
    finder = StandIns()
    sys.meta_path.append(finder)

    def remove():
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] in STAND_INS or name in PACKAGES]:
            del sys.modules[name]

    unittest.addModuleCleanup(remove)
    for package in PACKAGES:
        library = importlib.util.find_spec(package.partition(".")[0])
        if library:
            sys.modules[package] = module = mock.MagicMock(name=package)
            module.__spec__ = importlib.machinery.ModuleSpec(package, None, is_package=True)
            module.__path__ = [os.path.join(library.submodule_search_locations[0], *package.split(".")[1:])]


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


class OpenRLHF(unittest.TestCase):
    """With the options that docs/exports.md and docs/consumers.md show."""

    def setUp(self):
        try:
            self.prompts = importlib.import_module("openrlhf.datasets.prompts_dataset")
            self.pairs = importlib.import_module("openrlhf.datasets.reward_dataset")
            self.chats = importlib.import_module("openrlhf.datasets.sft_dataset")
            self.blend = importlib.import_module("openrlhf.datasets.utils").blending_datasets
            self.agent = importlib.import_module("openrlhf.utils.agent")
        except ImportError as missing:
            self.skipTest(f"there is no OpenRLHF here: {missing}")

    def strategy(self, **data):
        return types.SimpleNamespace(args=types.SimpleNamespace(data=types.SimpleNamespace(apply_chat_template=True, **data)), print=lambda _: None, is_rank_0=lambda: False)

    def load(self, folder, **data):
        strategy = self.strategy(**data)
        return self.blend(str(folder), None, strategy), strategy

    def test_prompts(self):
        folder, words = TALK / "exports" / "rl", tokenizer()
        loaded, strategy = self.load(folder, input_key="prompt", label_key="label")
        got = self.prompts.PromptDataset(loaded, words, strategy)
        self.assertEqual([got[i][:3] for i in range(len(got))],
                         [(row["datasource"], words.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True), row["label"]) for row in rows(folder)])

    def test_reward(self):
        """Its executor asks rewards.py. An error of that is a line in its log, and no reward."""
        folder, words = TALK / "exports" / "rl", tokenizer()
        executor = self.agent.SingleTurnAgentExecutor(str(folder / "rewards.py"))

        def tokenize(text, **_):
            return words(text, add_special_tokens=False, return_tensors="np")

        tokenize.decode = words.decode
        for row in rows(folder)[:6]:
            for said, want in ((f"So it is \\boxed{{{row['reference_answer']}}}.", 1.0), ("I do not know.", 0.0)):
                engine = mock.Mock()
                engine.generate = mock.AsyncMock(return_value=types.SimpleNamespace(outputs=[types.SimpleNamespace(
                    token_ids=words(said, add_special_tokens=False)["input_ids"], finish_reason="stop", logprobs=None)]))
                sampling = types.SimpleNamespace(max_tokens=256, logprobs=None)
                prompt = words.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
                with mock.patch.dict(sys.modules):
                    sys.modules.pop("torch", None)  # the stand-in makes no tensors
                    done = asyncio.run(executor.execute(prompt, row["label"], sampling, 8192, tokenize, engine))
                self.assertEqual((done["reward"], done["scores"], done["extra_logs"]), ([want], [want], {"acc": [want]}), row)

    def test_sft(self):
        folder, words = TALK / "exports" / "sft", tokenizer()
        loaded, _ = self.load(folder, input_key="messages")
        for got, row in zip(loaded, rows(folder), strict=True):
            prompt, response = self.chats.preprocess_data(got, input_key="messages", apply_chat_template=words.apply_chat_template)
            self.assertEqual(prompt, words.apply_chat_template(row["messages"][:-1], tokenize=False, add_generation_prompt=True))
            self.assertEqual(response.removesuffix("</s>"), row["messages"][-1]["content"])

    def test_dpo(self):
        folder, words = PAIRS / "exports" / "dpo", tokenizer()
        loaded, _ = self.load(folder, prompt_key="prompt", chosen_key="chosen", rejected_key="rejected")
        for got, row in zip(loaded, rows(folder), strict=True):
            prompt, chosen, rejected, _ = self.pairs.preprocess_data(got, prompt_key="prompt", apply_chat_template=words.apply_chat_template, is_dpo=True)
            self.assertEqual(prompt, words.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True))
            self.assertEqual([text.removesuffix("</s>") for text in (chosen, rejected)], [row[kind][-1]["content"] for kind in ("chosen", "rejected")])


class MSSwift(unittest.TestCase):
    """With the option --columns that docs/consumers.md shows."""

    def setUp(self):
        try:
            sys.modules["swift.template"].history_to_messages = importlib.import_module("swift.template.utils").history_to_messages
            with mock.patch.dict(vars(sys.modules["transformers"]), trainer=mock.MagicMock()):  # which is imported, and takes PyTorch
                self.loader = importlib.import_module("swift.dataset.loader")
        except (ImportError, KeyError) as missing:
            self.skipTest(f"there is no ms-swift here: {missing}")

    def load(self, path, **kw):
        loaded, _ = self.loader.load_dataset(str(path), strict=True, use_hf=True, **kw)
        return loaded.to_list()

    def test_grpo(self):
        folder = TALK / "exports" / "rl"
        got = self.load(folder, columns={"prompt": "messages"}, remove_unused_columns=False)
        self.assertEqual([(row["messages"], row["label"], row["solution"]) for row in got], [(row["prompt"], row["label"], row["solution"]) for row in rows(folder)])

    def test_sft(self):
        folder = TALK / "exports" / "sft"
        self.assertEqual([row["messages"] for row in self.load(folder)], [row["messages"] for row in rows(folder)])

    def test_pretraining(self):
        folder = TALK / "exports" / "text"
        self.assertEqual([row["messages"] for row in self.load(folder)], [[{"role": "assistant", "content": row["text"]}] for row in rows(folder)])

    def test_pairs_of_the_mixed_files(self):
        text = mixes.pairs(MADE.folder / "rows")
        current = MADE.build("texts", "\n".join(line for line in text.split("\n") if "{name: chats" not in line))
        file = current / "mixed" / "train_mixed.jsonl"
        got = self.load(file, columns={"question": "query", "chosen": "response", "rejected": "rejected_response"})
        self.assertEqual([([turn["content"] for turn in row["messages"]], row["rejected_response"]) for row in got],
                         [([row["question"], row["chosen"]], row["rejected"]) for row in mixes.plain(file)])


if __name__ == "__main__":
    unittest.main()
