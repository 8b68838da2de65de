"""Trainers train on what is exported: two steps of TRL on the CPU with a random Llama, and the own data sets and rewards of verl and OpenRLHF. There
is no network."""

import asyncio
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

import mixes

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = CACHE = tempfile.mkdtemp(prefix="datasetmix-consumers-trainers-")
try:
    import datasets
    import numpy as np
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

    def test_grpo_by_the_command_of_the_page(self):
        folder, words = Path(CACHE) / "model", tokenizer()
        model(words).save_pretrained(folder)
        words.save_pretrained(folder)
        (command,) = re.findall("`(trl grpo [^`]*) …`", (Path(__file__).parents[2] / "docs" / "exports.md").read_text())
        options = " ".join(f"--{name} {value}" for name, value in common(model_name_or_path=folder, per_device_train_batch_size=4, num_generations=4, max_completion_length=8, report_to="none").items())
        done = subprocess.run(["bash", "-c", f"{command} {options}"], cwd=SIX / "exports" / "rl", capture_output=True, text=True,
                              env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        self.assertIn("rewards/reward/mean", done.stdout + done.stderr)

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

    def test_kto(self):
        """TRL makes a wanted and an unwanted row of each pair."""
        words = tokenizer()
        arguments = trl.KTOConfig(**common(per_device_train_batch_size=2, max_length=256, logging_steps=1))
        self.trained(trl.KTOTrainer(model=model(words), ref_model=model(words), args=arguments, train_dataset=self.load(PAIRS / "exports" / "dpo"), processing_class=words))


def answers():
    """A row of each data set whose answers are scored without a sandbox, with a right answer and a wrong one."""
    found = {row["dataset"]: row for row in datasets.load_dataset(str(SIX / "exports" / "rl"), split="train") if json.loads(row["label"])["scorer"] != "code"}
    return [(row, text, want) for row in found.values() for text, want in ((right(row)[0]["content"], 1.0), ("I do not know it.", 0.0))]


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

    def test_reward(self):
        """verl loads rewards.py by its path, and its manager puts the scores into the batch."""
        try:
            from omegaconf import OmegaConf
            from verl import DataProto
            from verl.trainer.ppo.reward import get_custom_reward_fn
            from verl.workers.reward_manager.naive import NaiveRewardManager
        except ImportError as missing:
            self.skipTest(f"there is no verl here: {missing}")
        words, asked = tokenizer(), answers()
        config = OmegaConf.create({"reward": {"custom_reward_function": {"path": str(SIX / "exports" / "rl" / "rewards.py"), "name": "compute_score"}}})
        words.padding_side = "right"
        said = words([text for _, text, _ in asked], padding=True, add_special_tokens=False, return_tensors="pt")
        prompts = torch.ones((len(asked), 1), dtype=torch.long)
        batch = DataProto.from_dict(tensors={"prompts": prompts, "responses": said["input_ids"], "attention_mask": torch.cat([prompts, said["attention_mask"]], dim=1)},
                                    non_tensors={name: np.array([row[name] for row, _, _ in asked], dtype=object) for name in ("data_source", "reward_model", "extra_info")})
        got = NaiveRewardManager(words, num_examine=0, compute_score=get_custom_reward_fn(config))(batch, return_dict=True)
        self.assertEqual(got["reward_tensor"].sum(dim=1).tolist(), [want for _, _, want in asked])
        self.assertEqual(got["reward_extra_info"]["acc"], [want for _, _, want in asked])


class OpenRLHF(unittest.TestCase):
    def setUp(self):
        try:
            import openrlhf.datasets
            import openrlhf.datasets.utils
            import openrlhf.utils.agent
        except ImportError as missing:
            self.skipTest(f"there is no OpenRLHF here: {missing}")
        self.openrlhf = openrlhf

    def load(self, of, folder, *more, **data):
        """A data set of its own, made as its command makes it."""
        strategy = types.SimpleNamespace(args=types.SimpleNamespace(data=types.SimpleNamespace(apply_chat_template=True, **data)), print=lambda _: None, is_rank_0=lambda: False)
        rows = self.openrlhf.datasets.utils.blending_datasets(str(folder), None, strategy)
        made = of(rows, tokenizer(), *more, strategy, **({"num_processors": 1} if more else {}), **({"is_dpo": True} if "chosen_key" in data else {}))
        self.assertEqual(len(made), len(rows))
        return made

    def test_data_sets(self):
        of = self.openrlhf.datasets
        self.load(of.PromptDataset, SIX / "exports" / "rl", input_key="prompt", label_key="label")
        chats = self.load(of.SFTDataset, SIX / "exports" / "sft", 1 << 20, input_key="messages")
        pairs = self.load(of.RewardDataset, PAIRS / "exports" / "dpo", 1 << 20, prompt_key="prompt", chosen_key="chosen", rejected_key="rejected")
        ids, mask, learned = chats.collate_fn([chats[0], chats[1]])
        self.assertEqual((ids.shape, mask.shape), (learned.shape, learned.shape))
        self.assertTrue(learned.any(dim=-1).all(), "a row from which nothing is learned")
        self.assertEqual(len(pairs.collate_fn([pairs[0], pairs[1]])), 5)

    def test_reward(self):
        """Its executor gets tensors from rewards.py."""
        words, executor = tokenizer(), self.openrlhf.utils.agent.SingleTurnAgentExecutor(str(SIX / "exports" / "rl" / "rewards.py"))
        for row, text, want in answers():
            said = types.SimpleNamespace(token_ids=words(text, add_special_tokens=False)["input_ids"], finish_reason="stop", logprobs=None)
            engine = mock.Mock(generate=mock.AsyncMock(return_value=types.SimpleNamespace(outputs=[said])))
            prompt = words.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
            done = asyncio.run(executor.execute(prompt, row["label"], types.SimpleNamespace(max_tokens=1024, logprobs=None), 1 << 20, words, engine))
            for value in (done["reward"], done["scores"], done["extra_logs"]["acc"]):
                self.assertEqual(torch.tensor([value]).tolist(), [want], row)  # as its generator of samples does


if __name__ == "__main__":
    sys.exit(unittest.main())
