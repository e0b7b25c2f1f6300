"""Runs the programs of a llama.cpp release for the other scripts of this folder.

Every run is on the CPU with two threads, with keys and values kept in f32 and without flash
attention, so that what is recorded is as close to exact arithmetic as that program gets.
"""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

COMPUTE_OPTIONS = ["--threads", "2", "--threads-batch", "2", "--device", "none",
                   "--flash-attn", "off", "--cache-type-k", "f32", "--cache-type-v", "f32"]
SERVER_OPTIONS = ["--parallel", "1", "--cache-ram", "0", "--fit", "off", "--no-warmup", "--no-ui",
                  "--log-disable"]


def run(folder, program, *arguments, **options):
    """Runs one program to its end and gives back its standard output in bytes."""
    command = [str(Path(folder) / program), *map(str, arguments)]
    done = subprocess.run(command, env=environment(folder), capture_output=True, **options)
    if done.returncode:
        raise RuntimeError(f"{program} failed: {done.stderr[-2000:].decode(errors='replace')}")
    return done.stdout


def environment(folder):
    return {**os.environ, "LD_LIBRARY_PATH": str(folder)}


class Server:
    """A llama-server on a free local port, for one model."""

    def __init__(self, folder, model, context):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [str(Path(folder) / "llama-server"), "--model", str(model),
                   "--host", "127.0.0.1", "--port", str(self.port),
                   "--ctx-size", str(context), *COMPUTE_OPTIONS, *SERVER_OPTIONS]
        self.process = subprocess.Popen(command, env=environment(folder),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(6000):
            if self.process.poll() is not None:
                raise RuntimeError("llama-server ended early")
            try:
                with urllib.request.urlopen(self.url("/health")) as answer:
                    if answer.status == 200:
                        return self
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        raise RuntimeError("llama-server does not answer")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def post(self, path, **body):
        request = urllib.request.Request(self.url(path), json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def tokenize(self, text, special=False):
        """Token ids of a text, nothing added before or after it."""
        answer = self.post("/tokenize", content=text, add_special=False, parse_special=special)
        return answer["tokens"]

    def complete(self, tokens, count, probabilities, **more):
        """The most likely continuation: its tokens, and an entry with `id`, `logprob` and
        `top_logprobs` for each of them that does not end within a character.

        The log probabilities are of the whole softmax, before any sampling.
        """
        answer = self.post("/completion", prompt=tokens, n_predict=count, n_probs=probabilities,
                           temperature=0.0, top_k=1, repeat_penalty=1.0, return_tokens=True,
                           post_sampling_probs=False, **{"cache_prompt": False, **more})
        return answer["tokens"], answer.get("completion_probabilities", [])

    def next(self, tokens, probabilities, plain, **more):
        """The likeliest next tokens, as pairs of id and log probability.

        `plain` is a token of whole characters: it is forced, because llama-server reports nothing
        for a token that ends within one. Forcing does not touch the probabilities.
        """
        _, entries = self.complete(tokens, 1, probabilities, logit_bias=[[plain, 1e6]], **more)
        return [(entry["id"], entry["logprob"]) for entry in entries[0]["top_logprobs"]]


def lines(value, depth=2):
    """JSON with one line for each entry down to `depth`, compact below, so that changes read well."""
    def text(value, level):
        if level == 0 or not isinstance(value, (dict, list)) or not value:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        indent = " " * (depth - level + 1)
        if isinstance(value, dict):
            inner = [f"{json.dumps(key, ensure_ascii=False)}: {text(part, level - 1)}"
                     for key, part in value.items()]
            opening, closing = "{", "}"
        else:
            inner = [text(part, level - 1) for part in value]
            opening, closing = "[", "]"
        return f"{opening}\n{indent}" + f",\n{indent}".join(inner) + f"\n{indent[1:]}{closing}"
    return text(value, depth) + "\n"
