"""Trainers train on what is exported: two steps of TRL on the CPU with a random Llama, and verl's own data set and reward. There is no network."""

import importlib.util
import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

import mixes

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = CACHE = tempfile.mkdtemp(prefix="datasetmix-consumers-trainers-")
try:
    import datasets
    import tokenizers
    import torch
    import transformers
    import trl
except ImportError as missing:
    raise unittest.SkipTest(f"there are no trainers here: {missing}")
datasets.disable_progress_bars()
TEMPLATE = "{% for m in messages %}{{m['role']}}: {{m['content']}}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"


def setUpModule():
    global SIX, PAIRS, OUT
    OUT = Path(CACHE) / "out"
    made = mixes.Mixes(common=1)
    unittest.addModuleCleanup(shutil.rmtree, CACHE, ignore_errors=True)
    unittest.addModuleCleanup(made.close)
    with mixes.hub() as endpoint:
        SIX = made.build("six", mixes.six(), env={**os.environ, "HF_ENDPOINT": endpoint})
    PAIRS = made.build("pairs", mixes.pairs(made.folder / "rows"))


def tokenizer():
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    raw = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={c: i for i, c in enumerate(["<pad>", "<eos>", *alphabet])}, merges=[]))
    raw.pre_tokenizer, raw.decoder = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False), tokenizers.decoders.ByteLevel()
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", model_input_names=["input_ids", "attention_mask"])
    made.chat_template = TEMPLATE
    return made


def model(words):
    torch.manual_seed(0)
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
                                                                  num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=8192))


def common(**more):
    return {"output_dir": str(OUT), "max_steps": 2, "use_cpu": True, "report_to": [], "bf16": False, "save_strategy": "no", "disable_tqdm": True, **more}


def rewards():
    spec = importlib.util.spec_from_file_location("rewards", SIX / "exports" / "rl" / "rewards.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def right(row):
    """A completion with the reference answer of a row where scorers look for it."""
    return [{"role": "assistant", "content": "So it is $\\boxed{" + row["reference_answer"] + "}$."}]


class TRL(unittest.TestCase):
    def load(self, folder, rows=32):
        loaded = datasets.load_dataset(str(folder), split="train")
        self.assertGreater(len(loaded), 0)
        return loaded.select(range(min(rows, len(loaded))))

    def trained(self, trainer):
        trainer.train()
        self.assertEqual(trainer.state.global_step, 2)
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        self.assertTrue(losses and all(loss == loss for loss in losses), trainer.state.log_history)

    def test_grpo(self):
        words, inner, seen = tokenizer(), rewards().reward, {"columns": set(), "rewards": []}

        def reward(**given):
            scores = inner(**given)
            seen["columns"] |= set(given)
            seen["rewards"] += scores
            return scores

        arguments = trl.GRPOConfig(**common(per_device_train_batch_size=4, num_generations=4, max_completion_length=8, logging_steps=1))
        trl.GRPOTrainer(model=model(words), reward_funcs=reward, args=arguments, train_dataset=self.load(SIX / "exports" / "rl"), processing_class=words).train()
        self.assertGreaterEqual(seen["columns"], {"label", "solution", "dataset", "domain", "answer_type", "reference_answer"})
        self.assertTrue(seen["rewards"])

    def test_rewards_of_right_answers(self):
        """TRL's own reward has a number where there is one to compare, and ours agrees with it there."""
        from trl.rewards import accuracy_reward
        rows = datasets.load_dataset(str(SIX / "exports" / "rl"), split="train")
        seen = {}
        for row in rows:
            if seen.setdefault(row["dataset"], 0) >= 12:
                continue
            seen[row["dataset"]] += 1
            own = accuracy_reward([right(row)], [row["solution"]])[0]
            ours = rewards().reward([right(row)], [row["label"]])[0]
            scorer = json.loads(row["label"])["scorer"]
            if scorer in ("numeric", "formula"):
                self.assertIn(own, (0.0, 1.0), row)
                self.assertEqual(ours, 1.0, row)
            else:
                self.assertIsNone(own, row)
                self.assertEqual(ours is None, scorer == "code", row)
        self.assertEqual(set(seen), {"gsm8k", "math", "squad2", "hotpotqa", "humaneval", "mbpp"})

    def test_sft(self):
        words = tokenizer()
        arguments = trl.SFTConfig(**common(per_device_train_batch_size=2, max_length=256, logging_steps=1))
        self.trained(trl.SFTTrainer(model=model(words), args=arguments, train_dataset=self.load(SIX / "exports" / "sft"), processing_class=words))

    def test_sft_of_texts(self):
        words = tokenizer()
        arguments = trl.SFTConfig(**common(per_device_train_batch_size=2, max_length=256, logging_steps=1))
        self.trained(trl.SFTTrainer(model=model(words), args=arguments, train_dataset=self.load(SIX / "exports" / "text"), processing_class=words))

    def test_dpo(self):
        words = tokenizer()
        arguments = trl.DPOConfig(**common(per_device_train_batch_size=2, max_length=256, logging_steps=1))
        self.trained(trl.DPOTrainer(model=model(words), ref_model=model(words), args=arguments, train_dataset=self.load(PAIRS / "exports" / "dpo"), processing_class=words))


class Verl(unittest.TestCase):
    def test_every_row(self):
        """verl's data set keeps every row, and the scores of one batch have the same keys."""
        try:
            from omegaconf import OmegaConf
            from verl.utils.dataset.rl_dataset import RLHFDataset
        except ImportError as missing:
            self.skipTest(f"there is no verl here: {missing}")
        folder = SIX / "exports" / "rl"
        info = json.loads((SIX / "mixed" / "info.json").read_text())
        config = OmegaConf.create({"cache_dir": str(Path(CACHE) / "verl"), "prompt_key": "prompt", "max_prompt_length": 1 << 20,
                                   "filter_overlong_prompts": True, "return_raw_chat": True, "truncation": "error"})
        for split in ("train", "test"):
            rows = RLHFDataset(data_files=str(folder / f"{split}.parquet"), tokenizer=tokenizer(), config=config)
            self.assertEqual(len(rows), info["total_" + split])
            keys = set()
            for i in range(0, len(rows), max(1, len(rows) // 100)):
                row = rows[i]
                self.assertEqual([turn["role"] for turn in row["raw_prompt"]], ["system", "user"])
                self.assertTrue(row["data_source"].startswith("datasetmix/"))
                score = rewards().compute_score(row["data_source"], "It is \\boxed{1}", row["reward_model"]["ground_truth"], extra_info=row["extra_info"])
                keys.add(tuple(sorted(score)))
            self.assertEqual(len(keys), 1, "scores of different keys break a batch")


if __name__ == "__main__":
    sys.exit(unittest.main())
