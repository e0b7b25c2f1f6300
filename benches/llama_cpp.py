#!/usr/bin/env python3
"""Compares `vade bench lm` with llama.cpp: the same GGUF files, one machine, one run.

Each round measures ours, then theirs; the table gives medians, ranges and ours divided by theirs.
Every answer is checked before its time is reported: token counts as asked for, no empty text.

prompt    Tokens a second while reading a prompt not read before. Ours is text of about so many
          tokens, templated and tokenised within the time; theirs is `llama-bench -p N`, random
          tokens after a warm-up.
generate  Tokens a second for 64 tokens after 512. Ours chooses greedily and turns tokens into text;
          theirs is `llama-bench -n 64 -d 512`, which only runs the forward pass.
load      From the start of loading to being ready for the first token, the file in the page cache
          (it has just been hashed). Ours is `load_ms`: file, tokenizer, weights, cache. Theirs is
          the same by llama-server's own log, from "loading model" to "model loaded", without
          warm-up and without fitting to a device, so neither counts the start of the process. Even
          so that server runs a forward of a token or two before it is ready, which brings its
          mapped weights in; a llama.cpp that did not would pay at its first prompt.
memory    The most that was resident (`ru_maxrss`) in a process that read 2,048 tokens and wrote 64.
          Pages of a mapped file count in it although the kernel can take them back, so theirs is
          measured with the file mapped (its default) and read (`-mmp 0`), and the smaller counts.
answers   With --xquad: tokens a second over all answers to questions about a passage, greedy. The
          first token comes with the prompt and is not counted, the token that ends an answer is;
          the time is that after the first token. Theirs is llama-server. Ours is measured with
          drafting (its default) and without, which must give the same texts. Whether ours and
          theirs say the same depends on rounding: the share of equal texts is reported.

Known biases: what llama-bench leaves out (above) favours it by a little; llama.cpp's own drafting is
off, as it is by default, unless --llama-flags "--spec-type …" asks for it.

The peer is the npm package u-llm-server, which carries llama.cpp for Linux on x86-64. It is fetched
with `npm pack`, trusted by its hash, and unpacked; npm neither installs nor runs it.
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import re
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

PACKAGE, VERSION = "u-llm-server", "2.9.1"
PACKAGE_SHA256 = "cec463137283a3fe2e15ebcfdef9576cbc8282e7a1aa359fb5206123387f6562"
MODELS = ["qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct"]
PROMPTS = [512, 2048]
GENERATE = 64
ANSWER = 64
SYSTEM = "Answer from the passage. Quote its words where you can."
LIMIT = 1800  # seconds that one child may take


class Failed(Exception):
    """A peer that cannot be had, a child that failed, or an answer other than was asked for."""


class Answer(NamedTuple):
    text: str
    prompt_tokens: int
    tokens: int  # after the first, the end token included
    seconds: float  # after the first token


def main():
    args = arguments()
    try:
        with peer(args.llama_dir) as llama:
            report = compare(args, llama)
    except Failed as error:
        sys.exit(f"error: {error}")
    print(json.dumps(report, indent=2) if args.json else markdown(report))


def compare(args, llama):
    asked = questions(args.xquad, args.questions) if args.xquad else []
    models = {}
    for model in args.model or MODELS:
        gguf = weights(args.model_dir, model)
        sha256 = digest(gguf)
        ours, theirs = defaultdict(list), defaultdict(list)
        for number in range(1, args.rounds + 1):
            for name, measure, into in [("ours", our_speed, ours), ("theirs", their_speed, theirs)]:
                progress(f"{model}: round {number} of {args.rounds}, {name}")
                for figure, value in measure(args, llama, model, gguf).items():
                    into[figure].append(value)
        agreement = compare_answers(args, llama, model, gguf, asked, ours, theirs) if asked else None
        rows = {figure: row(ours[figure], theirs[figure]) for figure in ours}
        models[model] = {"sha256": sha256, "figures": rows, "answers": agreement}
    return {**circumstances(args, llama), "models": models}


def row(ours, theirs):
    middle, peers = statistics.median(ours), statistics.median(theirs)
    return {"ours": ours, "theirs": theirs, "ours_median": middle, "theirs_median": peers,
            "ratio": middle / peers}


# Speed, load and memory -------------------------------------------------------------------------


def our_speed(args, _llama, model, _gguf):
    lengths = [flag for length in PROMPTS for flag in ("--prompt", str(length))]
    result, peak = vade(args, model, *lengths, "--generate", str(GENERATE))
    figures = {}
    for length, read in zip(PROMPTS, result["prompt"], strict=True):
        check_count(f"{model}: prompt", read["tokens"], length, slack=length // 50)
        figures[f"prompt {length} (tok/s)"] = read["tokens_per_second"]
    wrote = result["generate"][0]
    check_count(f"{model}: context", wrote["context"], PROMPTS[0], slack=PROMPTS[0] // 50)
    check_count(f"{model}: generated", wrote["tokens"], GENERATE)
    check_count(f"{model}: threads", result["threads"], args.threads)
    figures[f"generate {GENERATE} after {PROMPTS[0]} (tok/s)"] = wrote["tokens_per_second"]
    return {**figures, "load (ms)": result["load_ms"], "memory (MB)": peak / 1e6}


def their_speed(args, llama, _model, gguf):
    figures = {}
    lengths = ",".join(map(str, PROMPTS))
    tests, _ = llama_bench(args, llama, gguf, "-p", lengths, "-n", "0")
    for length, test in zip(PROMPTS, tests, strict=True):
        check_count("llama-bench: prompt", test["n_prompt"], length)
        figures[f"prompt {length} (tok/s)"] = test["avg_ts"]
    [test], _ = llama_bench(args, llama, gguf, "-p", "0", "-n", str(GENERATE), "-d", str(PROMPTS[0]))
    check_count("llama-bench: generated", test["n_gen"], GENERATE)
    check_count("llama-bench: context", test["n_depth"], PROMPTS[0])
    figures[f"generate {GENERATE} after {PROMPTS[0]} (tok/s)"] = test["avg_ts"]
    both = f"{PROMPTS[-1]},{GENERATE}"
    peaks = [
        llama_bench(args, llama, gguf, "-p", "0", "-n", "0", "-pg", both, "--no-warmup", "-mmp", mapped)[1]
        for mapped in ("0", "1")
    ]
    with server(args, llama, gguf, "--no-warmup", "--log-timestamps") as (_, log):
        load = between(log.read_text(errors="replace"), "loading model", "model loaded")
    return {**figures, "load (ms)": load * 1000, "memory (MB)": min(peaks) / 1e6}


def llama_bench(args, llama, gguf, *flags):
    command = [llama / "llama-bench", "-m", gguf, "-t", args.threads, "-dev", "none", "--offline",
               "-r", "1", "-o", "json", *flags]
    output, peak = finish(command, llama_environment(llama))
    tests = json.loads(output)
    for test in tests:
        check_count("llama-bench: threads", test["n_threads"], args.threads)
    return tests, peak


def between(log, first, last):
    """Seconds from the first line of a llama.cpp log that has one text to the first with another."""
    def moment(text):
        found = re.search(rf"^(\d+)\.(\d+)\.(\d+)\.(\d+) .*{re.escape(text)}", log, re.MULTILINE)
        if not found:
            raise Failed(f"no line with {text!r} and a time in llama-server's log")
        minutes, seconds, thousandths, millionths = map(int, found.groups())
        return minutes * 60 + seconds + thousandths / 1e3 + millionths / 1e6
    return moment(last) - moment(first)


# Grounded answers -------------------------------------------------------------------------------


def compare_answers(args, llama, model, gguf, asked, ours, theirs):
    """Adds the speeds of the answers to the figures; says how far the answers agree."""
    progress(f"{model}: {len(asked)} answers, ours")
    drafted, speculation = our_answers(args, model, asked)
    progress(f"{model}: {len(asked)} answers, theirs")
    peers = their_answers(args, llama, gguf, asked)
    progress(f"{model}: {len(asked)} answers, ours without drafting")
    plain, _ = our_answers(args, model, asked, "--no-drafting")
    differing = sum(one.text != other.text for one, other in zip(drafted, plain))
    if differing:
        raise Failed(f"{model}: drafting changed {differing} of {len(asked)} answers")
    for figure, answers in [("answers (tok/s)", drafted), ("answers, no drafting (tok/s)", plain)]:
        ours[figure].append(speed(answers))
        theirs[figure].append(speed(peers))
    pairs = list(zip(drafted, peers))
    return {
        "questions": len(asked),
        "equal_prompt_lengths": statistics.mean(a.prompt_tokens == b.prompt_tokens for a, b in pairs),
        "equal_texts": statistics.mean(a.text == b.text for a, b in pairs),
        "our_tokens": sum(answer.tokens for answer in drafted),
        "their_tokens": sum(answer.tokens for answer in peers),
        **speculation,
    }


def our_answers(args, model, asked, *flags):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps({"system": SYSTEM, "user": user}) + "\n" for user in asked)
        file.flush()
        result, _ = vade(args, model, "--messages", file.name, "--max-tokens", str(ANSWER), *flags)
    check_count(f"{model}: answers", len(result["answers"]), len(asked))
    answers = []
    for said in result["answers"]:
        check_text(model, said["text"], said["tokens"])
        # The end token is not among ours; an answer of full length has none.
        after_first = said["tokens"] - 1 + (said["tokens"] < ANSWER)
        seconds = said["generate_ms"] / 1000
        answers.append(Answer(said["text"], said["prompt_tokens"], after_first, seconds))
    totals = {name: sum(said[name] for said in result["answers"]) for name in ("drafted", "accepted")}
    return answers, totals


def their_answers(args, llama, gguf, asked):
    answers = []
    with server(args, llama, gguf, *shlex.split(args.llama_flags)) as (port, _):
        for user in asked:
            messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}]
            said = post(port, "/v1/chat/completions", {
                "messages": messages, "temperature": 0, "max_tokens": ANSWER, "cache_prompt": False,
            })
            text, times = said["choices"][0]["message"]["content"], said["timings"]
            check_text("llama-server", text, times["predicted_n"])
            check_count("llama-server: cached", times.get("cache_n", 0), 0)
            seconds = times["predicted_ms"] / 1000
            answers.append(Answer(text, times["prompt_n"], times["predicted_n"] - 1, seconds))
    return answers


def speed(answers):
    return sum(answer.tokens for answer in answers) / sum(answer.seconds for answer in answers)


def questions(path, count):
    """So many of the questions, evenly spread, each with its paragraph as the passage."""
    paragraphs = [part for article in json.loads(path.read_text())["data"] for part in article["paragraphs"]]
    pairs = [(part["context"].strip(), entry["question"].strip())
             for part in paragraphs for entry in part["qas"]]
    count = min(count, len(pairs))
    chosen = [pairs[place * len(pairs) // count] for place in range(count)]
    return [f"Passage:\n{context}\n\nQuestion: {question}" for context, question in chosen]


# Checks -----------------------------------------------------------------------------------------


def check_count(what, found, asked, slack=0):
    if not asked - slack <= found <= asked + slack:
        raise Failed(f"{what}: {found} instead of {asked}")


def check_text(who, text, tokens):
    if not text.strip() or not 1 <= tokens <= ANSWER:
        raise Failed(f"{who}: {tokens} tokens for the answer {text!r}")


# Processes --------------------------------------------------------------------------------------


def vade(args, model, *flags):
    """What `vade bench lm` printed, and the most memory it had resident (bytes)."""
    command = [args.vade, "bench", "lm", "--model", model, "--threads", args.threads, *flags, "--json"]
    output, peak = finish(command, {**os.environ, "VADE_MODEL_DIR": str(args.model_dir)})
    return json.loads(output), peak


def finish(command, environment):
    """Runs a command to its end; gives its output and the most memory it had resident (bytes)."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = start(command, environment, out, err)
        clock = threading.Timer(LIMIT, os.kill, (child.pid, signal.SIGKILL))
        clock.start()
        try:
            # Not `child.wait()`, which would throw away how much memory it took.
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        finally:
            clock.cancel()
            stop(child)
        out.seek(0), err.seek(0)
        if child.returncode != 0:
            raise Failed(f"{command[0]} ended with {child.returncode}: {tail(err.read())}")
        return out.read(), usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextlib.contextmanager
def server(args, llama, gguf, *flags):
    """A llama-server that is ready: its port and its log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [llama / "llama-server", "-m", gguf, "-t", args.threads, "-dev", "none", "--offline",
               "-fit", "off", "-c", "4096", "-np", "1", "--cache-ram", "0", "--no-ui",
               "--host", "127.0.0.1", "--port", port, *flags]
    with tempfile.NamedTemporaryFile() as log:
        child = start(command, llama_environment(llama), log, log)
        try:
            end = time.monotonic() + 120
            while not healthy(port):
                if child.poll() is not None or time.monotonic() > end:
                    raise Failed(f"llama-server is not ready: {tail(Path(log.name).read_bytes())}")
                time.sleep(0.05)
            yield port, Path(log.name)
        finally:
            stop(child)


def start(command, environment, out, err):
    try:
        return subprocess.Popen(list(map(str, command)), env=environment,
                                stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    except OSError as error:
        raise Failed(f"{command[0]}: {error}") from error


def stop(child):
    if child.returncode is None:
        child.kill()
        child.wait()


def healthy(port):
    try:
        return request(port, "GET", "/health", None, 5)[0] == 200
    except OSError:
        return False


def post(port, path, body):
    status, answer = request(port, "POST", path, json.dumps(body), 300)
    if status != 200:
        raise Failed(f"llama-server answered {status}: {tail(answer)}")
    return json.loads(answer)


def request(port, method, path, body, limit):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def llama_environment(llama):
    """No setting of llama.cpp that happens to be in the environment reaches it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
    return {**kept, "LD_LIBRARY_PATH": str(llama)}


def tail(output):
    return output.decode(errors="replace").strip()[-500:]


# The peer, the weights and the circumstances ----------------------------------------------------


@contextlib.contextmanager
def peer(given):
    """The folder of llama.cpp's programs: the given one, or the package's, unpacked for this run."""
    if given:
        yield given
        return
    cache = Path(tempfile.gettempdir()) / "vademecum-benches"
    cache.mkdir(exist_ok=True)
    archive = cache / f"{PACKAGE}-{VERSION}.tgz"
    if not archive.exists():
        progress(f"fetching {PACKAGE} {VERSION}")
        finish(["npm", "pack", "--ignore-scripts", "--pack-destination", cache, f"{PACKAGE}@{VERSION}"],
               os.environ)
    if digest(archive) != PACKAGE_SHA256:
        raise Failed(f"{archive} is not the package that was reviewed; remove it")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as package:
            programs = [member for member in package if "/binaries/llama-" in member.name]
            package.extractall(folder, programs, filter="data")
        yield next(Path(folder).rglob("llama-bench")).parent


def weights(model_dir, model):
    found = sorted((model_dir / model).glob("*.gguf"))
    if len(found) != 1:
        raise Failed(f"{len(found)} GGUF files in {model_dir / model}; run: vade models pull {model}")
    return found[0]


def digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def circumstances(args, llama):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    version = subprocess.run([llama / "llama-server", "--version"], env=llama_environment(llama),
                             capture_output=True, text=True, timeout=60)
    commit = subprocess.run(["git", "-C", Path(__file__).parent, "describe", "--always", "--dirty"],
                            capture_output=True, text=True, timeout=60)
    peer_version = re.search(r"^version: (.*)", version.stdout + version.stderr, re.MULTILINE)
    return {
        "cpu": cpu[1] if cpu else "unknown", "cores": os.cpu_count(), "threads": args.threads,
        "rounds": args.rounds, "commit": commit.stdout.strip(),
        "llama_cpp": peer_version[1] if peer_version else "unknown",
    }


def markdown(report):
    lines = [
        f"{report['cpu']}, {report['cores']} cores; {report['threads']} threads; {report['rounds']} rounds; "
        f"vade {report['commit']}; llama.cpp {report['llama_cpp']}; files cached.",
        "", "| model | figure | ours | llama.cpp | ours / llama.cpp |", "|---|---|---:|---:|---:|",
    ]
    for model, result in report["models"].items():
        for figure, values in result["figures"].items():
            cells = [spread(values["ours"]), spread(values["theirs"]), f"{values['ratio']:.2f}"]
            lines.append(f"| {model} | {figure} | {' | '.join(cells)} |")
    for model, result in report["models"].items():
        lines += ["", f"{model}: sha256 `{result['sha256']}`"]
        if said := result["answers"]:
            lines.append(f"; {said['questions']} questions, {said['equal_prompt_lengths']:.0%} of prompts of "
                         f"equal length, {said['equal_texts']:.0%} of answers the same; "
                         f"{said['accepted']} of {said['drafted']} drafted tokens accepted")
    return "\n".join(lines)


def spread(values):
    """The median, and the range where there is one."""
    def number(value):
        return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))}–{number(max(values))})"


def progress(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR") or Path(__file__).parent.parent / "target")
    models = os.environ.get("VADE_MODEL_DIR") or Path.home() / ".local/share/vade-models"
    add = parser.add_argument
    add("--vade", type=Path, default=target / "release/vade", help="our binary (default: %(default)s)")
    add("--llama-dir", type=Path, help="folder of llama.cpp's programs (default: fetched)")
    add("--model-dir", type=Path, default=models, help="where models live (default: %(default)s)")
    add("--model", action="append", help=f"catalog id, repeatable (default: {', '.join(MODELS)})")
    add("--threads", type=int, default=2, help="threads of either (default: 2)")
    add("--rounds", type=int, default=5, help="rounds of ours, then theirs (default: 5)")
    add("--xquad", type=Path, help="XQuAD file to take questions from (default: no answers)")
    add("--questions", type=int, default=100, help="how many of them, evenly spread (default: 100)")
    add("--llama-flags", default="", help="further flags of llama-server for the answers")
    add("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
