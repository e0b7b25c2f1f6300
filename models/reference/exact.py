"""Computes models in f64 from their dequantised weights and compares with llama.cpp.

    python exact.py [NAME ...]
    python exact.py --model ID=FILE [--model ID=FILE ...]

Without `--model`: the tiny models. The distances say how much of llama.cpp's figures is rounding:
next to nothing with F32 weights, a little where F16 weights have it round activations too, more
where it quantises activations. Writes `tiny/distances.json`.

With `--model`: whether the continuations of `greedy.json` are the most likely ones without that
rounding (`exact_departs`), and the mean loss of `perplexity.json` (`exact_mean`). Each model is read
one layer at a time, each text in one pass.
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np

import llama

HERE = Path(__file__).parent
# As many tokens of a continuation as are compared.
COMPARED = 32
# As many rows of an output matrix as are held in f64 at a time.
ROWS = 8192


class Weights:
    """The tensors of a GGUF file in f64, each dequantised when it is asked for."""

    def __init__(self, tensors):
        self.tensors = {tensor.name: tensor for tensor in tensors}

    def __contains__(self, name):
        return name in self.tensors

    def __getitem__(self, name):
        return self.rows(name, slice(None))

    def rows(self, name, which):
        tensor = self.tensors[name]
        return gguf.dequantize(tensor.data[which], tensor.tensor_type).astype(np.float64)

    def height(self, name):
        return len(self.tensors[name].data)

    def layer(self, index):
        """What a layer has, by its name within the layer."""
        start = f"blk.{index}."
        return {name.removeprefix(start): self[name]
                for name in self.tensors if name.startswith(start)}


class Model:
    """A GGUF file and its forward pass in f64 over whole sequences."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.family = reader.fields["general.architecture"].contents()
        self.fields = {name: field.contents() for name, field in reader.fields.items()}
        self.weights = Weights(reader.tensors)
        self.width = self.number("embedding_length")
        self.heads = self.number("attention.head_count")
        self.kv_heads = self.number("attention.head_count_kv")
        self.head = self.number("attention.key_length", self.width // self.heads)
        self.rotated = self.number("rope.dimension_count", self.head)
        self.epsilon = self.number("attention.layer_norm_rms_epsilon")
        self.gemma = self.family.startswith("gemma")
        self.embedding_scale = self.number("embedding_scale", 1.0)
        if self.gemma:
            self.embedding_scale = np.sqrt(self.width)
        self.attention_scale = self.number("attention.scale", 1 / np.sqrt(self.head))
        self.residual_scale = self.number("residual_scale", 1.0)
        self.logit_scale = self.number("logit_scale", 1.0)

    def number(self, name, otherwise=None):
        return self.fields.get(f"{self.family}.{name}", otherwise)

    def read(self, texts, long_factors=False):
        """For each text (token ids) what its positions hold after the last layer's norm."""
        held = [self.weights.rows("token_embd.weight", np.array(tokens)) * self.embedding_scale
                for tokens in texts]
        for index in range(self.number("block_count")):
            weights = self.weights.layer(index)
            held = [self.layer(index, weights.get, x, long_factors) for x in held]
        return [self.norm(x, self.weights["output_norm.weight"]) for x in held]

    def log_softmax(self, x):
        """The log-softmax for rows of what `read` gives."""
        output = "output.weight" if "output.weight" in self.weights else "token_embd.weight"
        logits = np.empty((len(x), self.weights.height(output)))
        for start in range(0, logits.shape[1], ROWS):
            part = slice(start, start + ROWS)
            logits[:, part] = x @ self.weights.rows(output, part).T / self.logit_scale
        cap = self.number("final_logit_softcapping")
        for row in logits:
            if cap:
                row[:] = cap * np.tanh(row / cap)
            row -= row.max()
            row -= np.log(np.exp(row).sum())
        return logits

    def norm(self, x, weight):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.epsilon) * weight

    def layer(self, index, weight, x, long_factors):
        inner = self.norm(x, weight("attn_norm.weight"))
        attended = self.attention(index, weight, inner, long_factors)
        attended = attended @ weight("attn_output.weight").T
        if self.gemma:
            attended = self.norm(attended, weight("post_attention_norm.weight"))
        x = x + self.residual_scale * attended
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
        return x + self.residual_scale * down

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
        scores = np.einsum("qhd,khd->hqk", query, key) * self.attention_scale
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
        if self.family in ("llama", "minicpm", "granite"):
            first, second = slice(0, self.rotated, 2), slice(1, self.rotated, 2)
        else:
            first, second = slice(0, half), slice(half, self.rotated)
        result[..., first] = x[..., first] * cos - x[..., second] * sin
        result[..., second] = x[..., first] * sin + x[..., second] * cos
        return result


def compare_tiny(names):
    distances = {}
    for recorded in sorted((HERE / "tiny").glob("*.logits.bin")):
        name = recorded.name.removesuffix(".logits.bin")
        if names and name not in names:
            continue
        tokens = json.loads((HERE / "tiny" / f"{name}.tokens.json").read_text())
        model = Model(HERE / "tiny" / f"{name.removesuffix('-long')}.gguf")
        exact = model.log_softmax(model.read([tokens], name.endswith("-long"))[0])
        theirs = np.frombuffer(recorded.read_bytes(), "<f4").reshape(len(tokens), -1)
        off = theirs - exact
        same = int((theirs.argmax(axis=1) == exact.argmax(axis=1)).sum())
        distances[name] = {
            "rms": round(float(np.sqrt((off**2).mean())), 6),
            "largest": round(float(np.abs(off).max()), 6),
            "same_first_choice": f"{same} of {len(tokens)}",
        }
        print(name, distances[name])
    if not names:
        text = json.dumps(distances, indent=1)
        (HERE / "tiny" / "distances.json").write_text(text + "\n")


def compare_recorded(name, file):
    """Adds `exact_departs` and `exact_mean` to what is recorded of one model."""
    greedy = json.loads((HERE / "greedy.json").read_text())
    perplexity = json.loads((HERE / "perplexity.json").read_text())
    text, prompts = perplexity[name], greedy[name]
    model = Model(file)
    # The last token of each predicts nothing that is recorded.
    texts = [text["tokens"][:-1]]
    texts += [entry["prompt"] + entry["continuation"][:-1] for entry in prompts.values()]
    read = model.read(texts)
    wanted = read[:1]
    wanted += [x[-len(entry["continuation"]):]
               for x, entry in zip(read[1:], prompts.values(), strict=True)]
    exact = model.log_softmax(np.concatenate(wanted))
    exact = np.split(exact, np.cumsum([len(x) for x in wanted])[:-1])

    losses = -exact[0][np.arange(len(exact[0])), text["tokens"][1:]]
    off = losses - text["losses"]
    half = len(text["tokens"]) // 2
    print(f"{name}: mean loss {losses.mean():.6f} for {text['mean']}, of the second half "
          f"{losses[half:].mean():.6f} for {text['mean_second_half']}; a loss is "
          f"{np.sqrt((off**2).mean()):.5f} off, {np.abs(off).max():.5f} at most")
    mean = {"exact_mean": round(float(losses.mean()), 6)}
    before = {key: value for key, value in text.items() if key not in {*mean, "tokens", "losses"}}
    perplexity[name] = {**before, **mean, "tokens": text["tokens"], "losses": text["losses"]}

    departed = []
    for (prompt, entry), rows in zip(prompts.items(), exact[1:], strict=True):
        at = np.arange(len(rows))
        gaps = rows.max(axis=1) - rows[at, entry["continuation"]]
        differ = [(int(at), round(float(gaps[at]), 5)) for at in np.flatnonzero(gaps > 0)]
        if differ:
            theirs = [(at, gap, entry["gap"][at]) for at, gap in differ]
            print(f"{name}, {prompt}: departs at (token, gap, llama.cpp's gap)", *theirs)
        first = [{"at": at, "gap": gap} for at, gap in differ if at < COMPARED][:1]
        entry["exact_departs"] = first[0] if first else None
        departed += first
    print(f"{name}: departs within {COMPARED} tokens in {len(departed)} of {len(prompts)}")
    (HERE / "greedy.json").write_text(llama.lines(greedy))
    (HERE / "perplexity.json").write_text(llama.lines(perplexity))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", help="a tiny model")
    parser.add_argument("--model", action="append", default=[], metavar="ID=FILE")
    arguments = parser.parse_args()
    for model in arguments.model:
        name, _, file = model.partition("=")
        compare_recorded(name, file)
    if arguments.name or not arguments.model:
        compare_tiny(arguments.name)


if __name__ == "__main__":
    main()
