"""Records how well llama.cpp predicts `text.txt`, token by token: `perplexity.json`.

    python perplexity.py --llama FOLDER --model ID=FILE [--model ID=FILE ...]

The first 1,024 tokens of the text, nothing added before them, are read in one context. Token 0 is
given; tokens 1 … 1,023 are predicted, each from all before it. `llama-perplexity`, which reads
them in one batch, gives a second figure for tokens 513 … 1,023.
"""

import argparse
import json
import math
import re
import tempfile
from pathlib import Path

import llama

HERE = Path(__file__).parent
TOKENS = 1024
# More than any vocabulary has.
EVERYTHING = 1_000_000


def losses(server, tokens):
    """Negative log likelihoods: each token is forced, its probability is that before forcing."""
    plain = server.tokenize("a")[0]
    result = []
    for length in range(1, len(tokens)):
        wanted = tokens[length]
        chosen, entries = server.complete(tokens[:length], 1, 1, cache_prompt=True,
                                          logit_bias=[[wanted, 1e6]])
        if chosen != [wanted]:
            raise RuntimeError(f"token {wanted} could not be forced at {length}")
        if entries:
            result.append(-entries[0]["logprob"])
        else:
            everything = server.next(tokens[:length], EVERYTHING, plain, cache_prompt=True)
            result.append(-dict(everything)[wanted])
    return result


def second_half_in_one_batch(folder, model, text):
    """Mean loss of tokens 513 … 1,023; the text is doubled, as the program wants two contexts."""
    with tempfile.NamedTemporaryFile() as file:
        file.write((text + text).encode())
        file.flush()
        printed = llama.run(folder, "llama-perplexity", "--model", model, "--file", file.name,
                            "--ctx-size", TOKENS, "--batch-size", TOKENS, "--ubatch-size", TOKENS,
                            "--chunks", 1, *llama.COMPUTE_OPTIONS)
    return math.log(float(re.search(rb"\[1\]([0-9.]+)", printed)[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llama", required=True, type=Path)
    parser.add_argument("--model", action="append", required=True, metavar="ID=FILE")
    arguments = parser.parse_args()
    text = (HERE / "text.txt").read_text()
    path = HERE / "perplexity.json"
    recorded = json.loads(path.read_text()) if path.exists() else {}
    for model in arguments.model:
        name, _, file = model.partition("=")
        with llama.Server(arguments.llama, file, TOKENS) as server:
            tokens = server.tokenize(text)[:TOKENS]
            if len(tokens) < TOKENS:
                raise RuntimeError(f"{name}: the text has only {len(tokens)} tokens")
            each = losses(server, tokens)
        one_batch = second_half_in_one_batch(arguments.llama, file, text)
        recorded[name] = {
            "mean": round(sum(each) / len(each), 6),
            "mean_second_half": round(sum(each[TOKENS // 2:]) / len(each[TOKENS // 2:]), 6),
            "mean_second_half_one_batch": round(one_batch, 6),
            "tokens": tokens,
            "losses": [round(loss, 5) for loss in each],
        }
        print(name, recorded[name]["mean"], recorded[name]["mean_second_half"], one_batch)
        path.write_text(llama.lines(recorded))


if __name__ == "__main__":
    main()
