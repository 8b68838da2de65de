"""Asks a model of transformers from its folder, in batches, in this process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasetmix.evaluation.endpoint import Sampling
from datasetmix.evaluation.journal import Answer

__all__ = ["Checkpoint"]


class Checkpoint:
    """A model in a folder, as Trainer, TRL and `save_pretrained` write it; an adapter of PEFT where that is installed."""

    def __init__(self, folder: str | Path, sampling: Sampling, *, plain: bool = False, device: str = "") -> None:
        """Loads a model. device: such as cuda or cpu; by default the GPU, where there is one.

        Errors: ImportError where torch or transformers are missing, FileNotFoundError where the folder holds no model.
        """
        try:
            import torch
            import transformers
        except ImportError as error:
            raise ImportError(
                "--checkpoint needs torch and transformers: pip install torch transformers, or ask a server by --base-url"
            ) from error
        if not any((Path(folder) / name).is_file() for name in ("config.json", "adapter_config.json")):
            raise FileNotFoundError(f"{folder} holds no model: it has neither config.json nor adapter_config.json")
        self._torch, self._transformers, self.sampling, self.plain = torch, transformers, sampling, plain
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(str(folder), padding_side="left")
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        model: Any = transformers.AutoModelForCausalLM.from_pretrained(str(folder), torch_dtype="auto")
        self._model = model.to(self.device).eval()

    def ask(self, prompts: Sequence[str], seed: int) -> list[Answer]:
        """What the model says to prompts, which it gets together. The same prompts and seed have the same answers on the same machine."""
        begin = time.monotonic()
        texts = [self._chat(prompt) for prompt in prompts]
        inputs = self._tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=self.plain or not self._has_chat())
        inputs = {name: tensor.to(self.device) for name, tensor in inputs.items() if name in ("input_ids", "attention_mask")}
        drawn = {"do_sample": True, "temperature": self.sampling.temperature, "top_p": self.sampling.top_p}
        how: dict[str, Any] = (
            drawn if self.sampling.temperature > 0 else {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        )
        self._torch.manual_seed(self.sampling.seed + seed)
        with self._torch.inference_mode():
            out = self._model.generate(**inputs, **how, max_new_tokens=self.sampling.max_tokens, pad_token_id=self._tokenizer.pad_token_id)
        width = inputs["input_ids"].shape[1]
        seconds = round((time.monotonic() - begin) / len(prompts), 3)
        return [
            self._answer(tokens[width:].tolist(), int(mask.sum()), seconds)
            for tokens, mask in zip(out, inputs["attention_mask"], strict=True)
        ]

    def _answer(self, tokens: list[int], prompt_tokens: int, seconds: float) -> Answer:
        ends = self._model.generation_config.eos_token_id
        ends = {*(ends if isinstance(ends, list) else [ends]), self._tokenizer.eos_token_id}
        said = next((i for i, token in enumerate(tokens) if token in ends), None)
        text = self._tokenizer.decode(tokens[:said], skip_special_tokens=True)
        count = len(tokens) if said is None else said + 1
        return Answer(text, prompt_tokens, count, seconds, "length" if said is None else "stop")

    def _has_chat(self) -> bool:
        return bool(getattr(self._tokenizer, "chat_template", None))

    def _chat(self, prompt: str) -> str:
        if self.plain or not self._has_chat():
            return prompt
        turns = [{"role": "user", "content": prompt}]
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
