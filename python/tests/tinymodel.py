"""Writes a model that says nothing of sense: a Llama of one layer with random weights, a tokenizer of bytes, and a chat template.

python tests/tinymodel.py FOLDER
"""

import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

CHAT = "{% for m in messages %}{{m['role']}}: {{m['content']}}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"


def write(folder: str) -> None:
    """Writes the model as `save_pretrained` does."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<pad>", "<eos>"], initial_alphabet=letters)
    raw.train_from_iterator(["What is it?"], trainer)
    names = ["input_ids", "attention_mask"]
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", model_input_names=names)
    tokenizer.chat_template = CHAT
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2}
    config = transformers.LlamaConfig(vocab_size=len(tokenizer), eos_token_id=1, pad_token_id=0, bos_token_id=None, **sizes)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    write(sys.argv[1])
