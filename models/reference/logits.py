"""Records what llama.cpp computes with the tiny models: `tiny/NAME.tokens.json` and `.logits.bin`.

    python logits.py --llama FOLDER [--only NAME ...]

The tokens are drawn at random from the whole vocabulary, with a fixed seed. For each prefix of
1 … 64 of them, row `length - 1` of the second file holds the log-softmax after reading it.
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np

import llama

HERE = Path(__file__).parent
POSITIONS = 64


def record(folder, path, context, output):
    reader = gguf.GGUFReader(path)
    words = len(reader.fields["tokenizer.ggml.tokens"].data)
    random = np.random.Generator(np.random.PCG64(words))
    tokens = [int(token) for token in random.integers(words, size=POSITIONS)]
    rows = np.full((POSITIONS, words), np.nan, dtype="<f4")
    with llama.Server(folder, path, context) as server:
        for length in range(1, POSITIONS + 1):
            for token, log_probability in server.next(tokens[:length], words, ord("a")):
                rows[length - 1, token] = log_probability
    sums = np.exp(rows.astype(np.float64)).sum(axis=1)
    if not np.allclose(sums, 1.0, atol=1e-4):
        raise RuntimeError(f"{path.name}: the probabilities do not add up to 1: {sums}")
    output.with_suffix(".logits.bin").write_bytes(rows.tobytes())
    output.with_suffix(".tokens.json").write_text(json.dumps(tokens) + "\n")
    centred = rows - rows.mean(axis=1, keepdims=True)
    likely = np.exp(rows.astype(np.float64).max(axis=1)).mean()
    print(f"{output.name}: spread {centred.std():.2f}, mean of the best probability {likely:.2f}, "
          f"sums within {np.abs(sums - 1).max():.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llama", required=True, type=Path)
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    for path in sorted((HERE / "tiny").glob("*.gguf")):
        if arguments.only and path.stem not in arguments.only:
            continue
        record(arguments.llama, path, 512, path)
        if path.stem == "phi3-f16-factors":
            # A context beyond the original length makes llama.cpp take the long factors.
            record(arguments.llama, path, 1024, path.with_stem(f"{path.stem}-long"))


if __name__ == "__main__":
    main()
