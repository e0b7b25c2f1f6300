"""Computes the tiny models in f64 from their dequantised weights and compares with llama.cpp.

    python exact.py [NAME ...]

The distances say how much of llama.cpp's figures is rounding: next to nothing with F32 weights, a
little where F16 weights have it round activations too, more where it quantises activations.
Writes `tiny/distances.json`.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np

HERE = Path(__file__).parent


class Model:
    """A GGUF file in f64 and its forward pass over a whole sequence."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.family = reader.fields["general.architecture"].contents()
        self.fields = {name: field.contents() for name, field in reader.fields.items()}
        self.weights = {
            tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
            for tensor in reader.tensors
        }
        self.width = self.number("embedding_length")
        self.heads = self.number("attention.head_count")
        self.kv_heads = self.number("attention.head_count_kv")
        self.head = self.number("attention.key_length", self.width // self.heads)
        self.rotated = self.number("rope.dimension_count", self.head)
        self.epsilon = self.number("attention.layer_norm_rms_epsilon")
        self.gemma = self.family.startswith("gemma")

    def number(self, name, otherwise=None):
        return self.fields.get(f"{self.family}.{name}", otherwise)

    def log_softmax(self, tokens, long_factors):
        x = self.weights["token_embd.weight"][tokens]
        if self.gemma:
            x = x * np.sqrt(self.width)
        for index in range(self.number("block_count")):
            x = self.layer(index, x, long_factors)
        x = self.norm(x, self.weights["output_norm.weight"])
        logits = x @ self.weights.get("output.weight", self.weights["token_embd.weight"]).T
        cap = self.number("final_logit_softcapping")
        if cap:
            logits = cap * np.tanh(logits / cap)
        top = logits.max(axis=1, keepdims=True)
        return logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))

    def norm(self, x, weight):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.epsilon) * weight

    def layer(self, index, x, long_factors):
        def weight(name):
            return self.weights.get(f"blk.{index}.{name}")

        inner = self.norm(x, weight("attn_norm.weight"))
        attended = self.attention(index, weight, inner, long_factors)
        attended = attended @ weight("attn_output.weight").T
        if self.gemma:
            attended = self.norm(attended, weight("post_attention_norm.weight"))
        x = x + attended
        inner = self.norm(x, weight("ffn_norm.weight"))
        up = inner @ weight("ffn_up.weight").T
        if self.family == "phi3":
            gate, up = np.split(up, 2, axis=1)
        else:
            gate = inner @ weight("ffn_gate.weight").T
        if self.gemma:
            cube = np.sqrt(2 / np.pi) * (gate + 0.044715 * gate**3)
            gate = 0.5 * gate * (1 + np.tanh(cube))
        else:
            gate = gate / (1 + np.exp(-gate))
        down = (gate * up) @ weight("ffn_down.weight").T
        if self.gemma:
            down = self.norm(down, weight("post_ffw_norm.weight"))
        return x + down

    def attention(self, index, weight, inner, long_factors):
        length = len(inner)
        if self.family == "phi3":
            ends = np.cumsum([self.heads * self.head, self.kv_heads * self.head])
            parts = np.split(inner @ weight("attn_qkv.weight").T, ends, axis=1)
        else:
            parts = [inner @ weight(f"attn_{name}.weight").T for name in "qkv"]
        for place, name in enumerate("qkv"):
            if weight(f"attn_{name}.bias") is not None:
                parts[place] = parts[place] + weight(f"attn_{name}.bias")
        query, key, value = (part.reshape(length, -1, self.head) for part in parts)
        if weight("attn_q_norm.weight") is not None:
            query = self.norm(query, weight("attn_q_norm.weight"))
            key = self.norm(key, weight("attn_k_norm.weight"))
        local = self.is_local(index)
        query = self.rotate(query, local, long_factors)
        key = self.rotate(key, local, long_factors)
        group = self.heads // self.kv_heads
        key, value = np.repeat(key, group, axis=1), np.repeat(value, group, axis=1)
        scores = np.einsum("qhd,khd->hqk", query, key) / np.sqrt(self.head)
        cap = self.number("attn_logit_softcapping")
        if cap:
            scores = cap * np.tanh(scores / cap)
        behind = np.arange(length)[:, None] - np.arange(length)[None, :]
        seen = behind >= 0
        if local:
            seen &= behind < self.number("attention.sliding_window")
        scores = np.where(seen, scores, -np.inf)
        scores = np.exp(scores - scores.max(axis=2, keepdims=True))
        scores /= scores.sum(axis=2, keepdims=True)
        return np.einsum("hqk,khd->qhd", scores, value).reshape(length, -1)

    def is_local(self, index):
        """Whether a layer sees only the sliding window; the last of each period sees all."""
        period = {"gemma2": 2, "gemma3": 6}.get(self.family)
        return period is not None and index % period < period - 1

    def rotate(self, x, local, long_factors):
        base = self.number("rope.freq_base")
        if self.family == "gemma3" and local:
            base = 10000.0
        half = self.rotated // 2
        frequencies = base ** (-np.arange(half) / half)
        if "rope_freqs.weight" in self.weights:
            frequencies /= self.weights["rope_freqs.weight"]
        kind = "long" if long_factors else "short"
        if f"rope_factors_{kind}.weight" in self.weights:
            frequencies /= self.weights[f"rope_factors_{kind}.weight"]
        scale = self.number("rope.scaling.attn_factor", 1.0)
        angles = np.arange(len(x))[:, None, None] * frequencies
        cos, sin = scale * np.cos(angles), scale * np.sin(angles)
        result = x.copy()
        if self.family == "llama":
            first, second = slice(0, self.rotated, 2), slice(1, self.rotated, 2)
        else:
            first, second = slice(0, half), slice(half, self.rotated)
        result[..., first] = x[..., first] * cos - x[..., second] * sin
        result[..., second] = x[..., first] * sin + x[..., second] * cos
        return result


def main():
    distances = {}
    for recorded in sorted((HERE / "tiny").glob("*.logits.bin")):
        name = recorded.name.removesuffix(".logits.bin")
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        tokens = json.loads((HERE / "tiny" / f"{name}.tokens.json").read_text())
        model = Model(HERE / "tiny" / f"{name.removesuffix('-long')}.gguf")
        exact = model.log_softmax(tokens, name.endswith("-long"))
        theirs = np.frombuffer(recorded.read_bytes(), "<f4").reshape(len(tokens), -1)
        off = theirs - exact
        same = int((theirs.argmax(axis=1) == exact.argmax(axis=1)).sum())
        distances[name] = {
            "rms": round(float(np.sqrt((off**2).mean())), 6),
            "largest": round(float(np.abs(off).max()), 6),
            "same_first_choice": f"{same} of {len(tokens)}",
        }
        print(name, distances[name])
    if not sys.argv[1:]:
        text = json.dumps(distances, indent=1)
        (HERE / "tiny" / "distances.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
