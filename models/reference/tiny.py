"""Writes tiny GGUF files with seeded random weights, one for each architecture and weight type.

    python tiny.py --llama FOLDER [--only NAME ...]

FOLDER holds the programs of a llama.cpp release; `llama-quantize` makes every type but F32.
"""

import argparse
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np

import llama
import vocabulary

HERE = Path(__file__).parent
CONTEXT = 512
TEXT = ("the tree and the river, then an inner lane; " * 3
        + "la casa de la playa es de la abuela; " * 3 + "for i in range(10): print(i)\n" * 2)
SPECIALS = {
    "llama": ["<|begin_of_text|>", "<|eot_id|>", "<|end_of_text|>", "<|start_header_id|>",
              "<|end_header_id|>"],
    "minicpm": ["<s>", "</s>", "<|im_end|>", "<|im_start|>"],
    "granite": ["<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"],
    "qwen2": ["<|endoftext|>", "<|im_end|>", "<|im_start|>"],
    "qwen3": ["<|endoftext|>", "<|im_end|>", "<|im_start|>"],
    "gemma2": ["<bos>", "<end_of_turn>", "<eos>", "<start_of_turn>"],
    "gemma3": ["<bos>", "<end_of_turn>", "<eos>", "<start_of_turn>"],
    "phi3": ["<s>", "<|end|>", "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>"],
}
PRE = {"llama": "llama-bpe", "qwen2": "qwen2", "qwen3": "qwen2"}


@dataclass
class Shape:
    """What a tiny model looks like; `quantize` are the arguments that choose its weight types."""

    name: str
    family: str
    width: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    feed: int
    quantize: list = field(default_factory=list)
    tied: bool = True
    vocabulary: int = 296
    rope_base: float = 10000.0
    epsilon: float = 1e-5
    window: int = 0
    attention_cap: float = 0.0
    final_cap: float = 0.0
    rope_factors: bool = False
    rotated: int = 0
    embedding_scale: float = 0.0
    residual_scale: float = 0.0
    logit_scale: float = 0.0
    attention_scale: float = 0.0


def pure(kind):
    """Every matrix in one type, the embedding too."""
    return ["--pure", "--token-embedding-type", kind, "--output-tensor-type", kind]


SHAPES = [
    Shape("llama-f32", "llama", 64, 2, 4, 2, 16, 64),
    Shape("llama-f16-untied", "llama", 64, 2, 4, 1, 16, 96, ["F16"], tied=False),
    Shape("llama-q8_0-freqs", "llama", 96, 2, 3, 1, 32, 160, [*pure("q8_0"), "Q8_0"],
          rope_base=500000.0, rope_factors=True),
    Shape("llama-q4_0", "llama", 192, 2, 6, 2, 32, 192, [*pure("q4_0"), "Q4_0"]),
    Shape("llama-q4_1", "llama", 96, 2, 3, 3, 32, 160, [*pure("q4_1"), "Q4_1"]),
    Shape("llama-q5_0", "llama", 160, 2, 5, 1, 32, 224, [*pure("q5_0"), "Q5_0"]),
    Shape("llama-q5_1", "llama", 96, 2, 3, 1, 32, 128, [*pure("q5_1"), "Q5_1"], vocabulary=293),
    Shape("llama-q4_k", "llama", 256, 2, 8, 1, 32, 256, [*pure("q4_k"), "Q4_K_S"]),
    Shape("llama-q5_k", "llama", 256, 1, 8, 2, 32, 256, [*pure("q5_k"), "Q5_K_S"]),
    Shape("llama-q6_k", "llama", 256, 1, 4, 1, 64, 256, [*pure("q6_k"), "Q6_K"]),
    Shape("minicpm-f16", "minicpm", 64, 2, 4, 4, 16, 96, ["F16"], embedding_scale=12.0,
          residual_scale=0.3, logit_scale=9.0),
    Shape("granite-f16", "granite", 64, 3, 4, 1, 16, 64, ["F16"], embedding_scale=5.0,
          residual_scale=0.22, logit_scale=14.0, attention_scale=0.04),
    Shape("qwen2-f16", "qwen2", 64, 2, 4, 2, 16, 96, ["F16"], rope_base=1e6, epsilon=1e-6),
    Shape("qwen2-q4_k_m", "qwen2", 256, 2, 8, 2, 32, 256, ["Q4_K_M"], rope_base=1e6, epsilon=1e-6),
    Shape("qwen3-f16", "qwen3", 64, 2, 4, 2, 32, 96, ["F16"], rope_base=1e6, epsilon=1e-6),
    Shape("gemma2-f16", "gemma2", 64, 3, 4, 2, 16, 96, ["F16"], epsilon=1e-6, window=12,
          attention_cap=3.0, final_cap=6.0),
    Shape("gemma3-f16", "gemma3", 32, 7, 4, 1, 16, 64, ["F16"], rope_base=1e6, epsilon=1e-6,
          window=12),
    Shape("phi3-f16", "phi3", 64, 2, 4, 2, 16, 96, ["F16"], tied=False),
    Shape("phi3-f16-factors", "phi3", 64, 2, 4, 2, 16, 96, ["F16"], rope_factors=True, rotated=12),
]


class Weights:
    """Random tensors whose rows and columns differ in size, as those of trained models do."""

    def __init__(self, name):
        self.random = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))

    def matrix(self, outputs, inputs, gain):
        """Maps inputs of size one to outputs of size about `gain`."""
        values = self.random.standard_normal((outputs, inputs))
        values *= np.exp(0.25 * self.random.standard_normal((outputs, 1)))
        values *= np.exp(0.25 * self.random.standard_normal((1, inputs)))
        return (values * gain / np.sqrt(np.mean(values**2) * inputs)).astype(np.float32)

    def norm(self, size, gain=1.0):
        values = np.exp(0.3 * self.random.standard_normal(size))
        return (gain * values / np.sqrt(np.mean(values**2))).astype(np.float32)

    def signed_norm(self, size):
        """Both signs, so that a tied output does not simply repeat the last token."""
        return self.norm(size) * self.random.choice(np.float32([-1, 1]), size)

    def bias(self, size):
        return (0.5 * self.random.standard_normal(size)).astype(np.float32)


def tensors(shape):
    """All tensors of a model, by the names that GGUF files use."""
    weights = Weights(shape.name)
    gemma = shape.family.startswith("gemma")
    width, head, feed = shape.width, shape.head, shape.feed
    # The weights make up for the scales, so that nothing is in balance where one is left out.
    gain = 3.0 * (shape.logit_scale or 1.0)
    spread = gain / np.sqrt(width)
    # The size of what a layer adds, beside the embedding's own.
    step = 1.0 if gemma else spread * (shape.embedding_scale or 1.0) / (shape.residual_scale or 1.0)
    sharp = 1.3
    if shape.attention_scale:
        sharp /= np.sqrt(shape.attention_scale * np.sqrt(head))
    queries, keys = shape.heads * head, shape.kv_heads * head
    result = {"token_embd.weight": weights.matrix(shape.vocabulary, width, gain)}
    if shape.family == "llama" and shape.rope_factors:
        result["rope_freqs.weight"] = np.geomspace(1.0, 8.0, head // 2).astype(np.float32)
    if shape.family == "phi3" and shape.rope_factors:
        half = shape.rotated // 2
        result["rope_factors_short.weight"] = np.linspace(1.0, 1.6, half).astype(np.float32)
        result["rope_factors_long.weight"] = np.geomspace(1.1, 30.0, half).astype(np.float32)
    for index in range(shape.layers):
        layer = {"attn_norm.weight": weights.norm(width)}
        query, key = weights.matrix(queries, width, sharp), weights.matrix(keys, width, sharp)
        value = weights.matrix(keys, width, 1.0)
        if shape.family == "phi3":
            layer["attn_qkv.weight"] = np.concatenate([query, key, value])
        else:
            layer |= {"attn_q.weight": query, "attn_k.weight": key, "attn_v.weight": value}
        if shape.family == "qwen2":
            layer |= {"attn_q.bias": weights.bias(queries), "attn_k.bias": weights.bias(keys),
                      "attn_v.bias": weights.bias(keys)}
        if shape.family in ("qwen3", "gemma3"):
            layer |= {"attn_q_norm.weight": weights.norm(head, 1.3),
                      "attn_k_norm.weight": weights.norm(head, 1.3)}
        layer["attn_output.weight"] = weights.matrix(width, queries, 2.0 * step)
        layer["ffn_norm.weight"] = weights.norm(width)
        gate, up = weights.matrix(feed, width, 1.5), weights.matrix(feed, width, 1.0)
        if shape.family == "phi3":
            layer["ffn_up.weight"] = np.concatenate([gate, up])
        else:
            layer |= {"ffn_gate.weight": gate, "ffn_up.weight": up}
        layer["ffn_down.weight"] = weights.matrix(width, feed, 1.5 * step)
        if gemma:
            layer |= {"post_attention_norm.weight": weights.norm(width, 1.5),
                      "post_ffw_norm.weight": weights.norm(width, 1.5)}
        result |= {f"blk.{index}.{name}": values for name, values in layer.items()}
    result["output_norm.weight"] = weights.signed_norm(width)
    if not shape.tied:
        result["output.weight"] = weights.matrix(shape.vocabulary, width, gain)
    return result


def write(shape, path):
    """Writes a model in F32."""
    writer = gguf.GGUFWriter(path, shape.family)
    # llama.cpp treats some names apart, so that the shape's own is not for this field.
    writer.add_name("tiny")
    writer.add_context_length(2 * CONTEXT if shape.rotated else CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_freq_base(shape.rope_base)
    if shape.head != shape.width // shape.heads:
        writer.add_key_length(shape.head)
        writer.add_value_length(shape.head)
    if shape.family in ("llama", "minicpm", "granite", "phi3"):
        writer.add_rope_dimension_count(shape.rotated or shape.head)
    if shape.rotated:
        writer.add_rope_scaling_orig_ctx_len(CONTEXT)
        writer.add_rope_scaling_attn_factors(1.19)
    if shape.window:
        writer.add_sliding_window(shape.window)
    if shape.attention_cap:
        writer.add_attn_logit_softcapping(shape.attention_cap)
        writer.add_final_logit_softcapping(shape.final_cap)
    if shape.embedding_scale:
        writer.add_embedding_scale(shape.embedding_scale)
        writer.add_residual_scale(shape.residual_scale)
        writer.add_logit_scale(shape.logit_scale)
    if shape.attention_scale:
        writer.add_attention_scale(shape.attention_scale)
    specials = SPECIALS[shape.family]
    words = [vocabulary.in_bytes(line) for line in TEXT.split("\n")]
    merges = vocabulary.train(words, shape.vocabulary - 256 - len(specials))
    size = vocabulary.write_bytes(writer, PRE.get(shape.family, "gpt-2"), merges, specials)
    assert size == shape.vocabulary
    for name, values in tensors(shape).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llama", required=True, type=Path)
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    for shape in SHAPES:
        if arguments.only and shape.name not in arguments.only:
            continue
        path = HERE / "tiny" / f"{shape.name}.gguf"
        if not shape.quantize:
            write(shape, path)
        else:
            with tempfile.TemporaryDirectory() as folder:
                plain = Path(folder) / "plain.gguf"
                write(shape, plain)
                *options, kind = shape.quantize
                llama.run(arguments.llama, "llama-quantize", *options, plain, path, kind, 1)
        print(shape.name, path.stat().st_size)


if __name__ == "__main__":
    main()
