#!/usr/bin/env python3
"""Compares `vade bench lm` with llama.cpp: the same GGUF files, one machine, one run.

Each round measures ours, then theirs; the table gives medians, ranges and ours divided by theirs.
Every answer is checked before its time is reported: token counts as asked for, no empty text. What
was measured while other processes took processor time is measured again: llama.cpp's threads spin
while they wait for each other, and one busy neighbour can make it ten times slower.

prompt    Tokens a second while reading a prompt not read before. Ours is text of about so many
          tokens, templated and tokenised within the time; theirs is `llama-bench -p N`, random
          tokens after a warm-up.
generate  Tokens a second for 64 tokens after 512. Ours chooses greedily and turns tokens into text;
          theirs is `llama-bench -n 64 -d 512`, which only runs the forward pass.
load      From the start of loading to ready for the first token, the file in the page cache (it has
          just been hashed). Ours is `load_ms`. Theirs is taken from llama-server's own log, from
          "loading model" to "model loaded", without warm-up and without fitting to a device. Both
          hold the header, the tokenizer and the cache laid out; neither holds the start of the
          process. Theirs holds repacking and ends after a short forward which that server always
          runs. Ours repacks weights when they are first wanted, so what that costs is seen in
          "load and first prompt": the same and then 512 tokens read, until the first token.
memory    The most that was resident (`ru_maxrss`) in a process that read 2,048 tokens and wrote 64.
          Pages of a mapped file count in it although the kernel can take them back, so theirs is
          measured with the file mapped (its default) and read (`-mmp 0`), and the smaller counts.
answers   With --xquad, once: tokens a second over all greedy answers to questions about a passage.
          The first token comes with the prompt and is not counted, the token that ends an answer
          is; the time is that after the first token. Theirs is llama-server. Ours is measured with
          drafting (its default) and without, which must give the same texts. Ours and theirs round
          differently, so the share of equal texts is only reported.

Known biases: what llama-bench leaves out (above) favours it by a little; its best load is with the
file mapped, its least memory without; its own drafting is off, as it is by default, unless
`--llama-flags "--spec-type ngram-simple"` or the like asks for it.

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
import resource
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
WRITTEN = 64  # tokens, after the shortest prompt and for an answer at most
FIRST = f"load and first prompt of {PROMPTS[0]} (ms)"
GENERATE = f"generate {WRITTEN} after {PROMPTS[0]} (tok/s)"
SYSTEM = "Answer from the passage. Quote its words where you can."
LIMIT = 1800  # seconds that one child may take
OTHERS = 0.1  # cores that other processes may take meanwhile


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
            progress(f"{model}: round {number} of {args.rounds}")
            collect(ours, our_speed(args, model))
            collect(theirs, their_speed(args, llama, gguf))
        agreement = compare_answers(args, llama, model, gguf, asked, ours, theirs) if asked else None
        rows = {name: row(ours[name], theirs[name]) for name in ours}
        models[model] = {"sha256": sha256, "figures": rows, "answers": agreement}
    return {**circumstances(args, llama), "models": models}


def collect(figures, measured):
    for name, value in measured.items():
        figures[name].append(value)


def row(ours, theirs):
    middle, peers = statistics.median(ours), statistics.median(theirs)
    return {"ours": ours, "theirs": theirs, "ours_median": middle, "theirs_median": peers,
            "ratio": middle / peers}


def progress(text):
    print(text, file=sys.stderr, flush=True)


# Speed, load and memory ---------------------------------------------------------------------------


def our_speed(args, model):
    lengths = [flag for length in PROMPTS for flag in ("--prompt", str(length))]
    result, peak = vade(args, model, *lengths, "--generate", str(WRITTEN))
    check_count("threads", result["threads"], args.threads)
    figures = {}
    for length, read, wrote in zip(PROMPTS, result["prompt"], result["generate"], strict=True):
        check_count("prompt", read["tokens"], length, slack=length // 50)
        check_count("generated", wrote["tokens"], WRITTEN)
        figures[f"prompt {length} (tok/s)"] = read["tokens_per_second"]
    figures[GENERATE] = result["generate"][0]["tokens_per_second"]
    first = result["first_prompt"]
    check_count("first prompt", first["tokens"], PROMPTS[0], slack=PROMPTS[0] // 50)
    return {**figures, "load (ms)": result["load_ms"], FIRST: first["with_load_ms"], "memory (MB)": peak / 1e6}


def their_speed(args, llama, gguf):
    figures = {}
    for length in PROMPTS:
        test, _ = llama_bench(args, llama, gguf, n_prompt=length)
        figures[f"prompt {length} (tok/s)"] = test["avg_ts"]
    test, _ = llama_bench(args, llama, gguf, n_gen=WRITTEN, n_depth=PROMPTS[0])
    figures[GENERATE] = test["avg_ts"]
    load, first = undisturbed(their_load, args, llama, gguf)
    whole = {"n_prompt": PROMPTS[-1], "n_gen": WRITTEN}
    peaks = [llama_bench(args, llama, gguf, "--no-warmup", "-mmp", mapped, **whole)[1]
             for mapped in "01"]
    return {**figures, "load (ms)": load * 1000, FIRST: first * 1000, "memory (MB)": min(peaks) / 1e6}


def llama_bench(args, llama, gguf, *flags, n_prompt=0, n_gen=0, n_depth=0):
    """The one test asked for, and the most memory it had resident (bytes)."""
    command = [llama / "llama-bench", "-m", gguf, "-t", args.threads, "-dev", "none", "--offline",
               "-r", "1", "-o", "json", "-p", "0", "-n", "0", "-pg", f"{n_prompt},{n_gen}",
               "-d", n_depth, *flags]
    output, peak = undisturbed(finish, command, llama_environment(llama))
    [test] = json.loads(output)
    asked = {"n_prompt": n_prompt, "n_gen": n_gen, "n_depth": n_depth, "n_threads": args.threads}
    for name, count in asked.items():
        check_count(f"llama-bench: {name}", test[name], count)
    return test, peak


def their_load(args, llama, gguf):
    """Seconds until the model is loaded, and until it has also read its first prompt."""
    with server(args, llama, gguf, "--no-warmup", "--log-timestamps") as (port, log):
        time.sleep(0.2)  # a thread of its own writes the log
        load = between(log.read_text(errors="replace"), "loading model", "model loaded")
        body = {"prompt": list(range(1000, 1000 + PROMPTS[0])), "n_predict": 1, "cache_prompt": False}
        times = json.loads(request(port, "POST", "/completion", json.dumps(body)))["timings"]
        check_count("llama-server: prompt", times["prompt_n"], PROMPTS[0], slack=2)
        return load, load + times["prompt_ms"] / 1000


def between(log, first, last):
    """Seconds from the first line of a llama.cpp log that says one thing to the first of another."""
    def moment(text):
        found = re.search(rf"^(\d+)\.(\d+)\.(\d+)\.(\d+) .*{text}", log, re.MULTILINE)
        if not found:
            raise Failed(f"no line with a time and {text!r} in llama-server's log")
        minutes, seconds, thousandths, millionths = map(int, found.groups())
        return minutes * 60 + seconds + thousandths / 1e3 + millionths / 1e6
    return moment(last) - moment(first)


# Answers ------------------------------------------------------------------------------------------


def compare_answers(args, llama, model, gguf, asked, ours, theirs):
    """Adds the speeds of the answers to the figures; says how far the answers agree."""
    progress(f"{model}: {len(asked)} answers")
    drafting, counts = our_answers(args, model, asked)
    peers = undisturbed(their_answers, args, llama, gguf, asked)
    plain, _ = our_answers(args, model, asked, "--no-drafting")
    changed = sum(one.text != other.text for one, other in zip(drafting, plain, strict=True))
    if changed:
        raise Failed(f"{model}: drafting changed {changed} of {len(asked)} answers")
    collect(ours, {"answers (tok/s)": speed(drafting), "answers, no drafting (tok/s)": speed(plain)})
    collect(theirs, dict.fromkeys(["answers (tok/s)", "answers, no drafting (tok/s)"], speed(peers)))
    pairs = list(zip(drafting, peers, strict=True))
    return {
        "questions": len(asked), **counts,
        "our_tokens": sum(answer.tokens for answer in drafting),
        "their_tokens": sum(answer.tokens for answer in peers),
        "equal_prompt_lengths": statistics.mean(a.prompt_tokens == b.prompt_tokens for a, b in pairs),
        "equal_texts": statistics.mean(a.text == b.text for a, b in pairs),
    }


def our_answers(args, model, asked, *flags):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps({"system": SYSTEM, "user": user}) + "\n" for user in asked)
        file.flush()
        result, _ = vade(args, model, "--messages", file.name, "--max-tokens", WRITTEN, *flags)
    answers = []
    check_count("answers", len(result["answers"]), len(asked))
    for said in result["answers"]:
        check_text(said["text"], said["tokens"])
        # The end token is not among ours; an answer of full length has none.
        tokens = said["tokens"] - 1 + (said["tokens"] < WRITTEN)
        answers.append(Answer(said["text"], said["prompt_tokens"], tokens, said["generate_ms"] / 1000))
    counts = {name: sum(said[name] for said in result["answers"]) for name in ("drafted", "accepted")}
    return answers, counts


def their_answers(args, llama, gguf, asked):
    answers = []
    with server(args, llama, gguf, *shlex.split(args.llama_flags)) as (port, _):
        for user in asked:
            messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}]
            body = {"messages": messages, "temperature": 0, "max_tokens": WRITTEN, "cache_prompt": False}
            said = json.loads(request(port, "POST", "/v1/chat/completions", json.dumps(body)))
            text, times = said["choices"][0]["message"]["content"], said["timings"]
            check_text(text, times["predicted_n"])
            check_count("llama-server: cached", times["cache_n"], 0)
            seconds = times["predicted_ms"] / 1000
            answers.append(Answer(text, times["prompt_n"], times["predicted_n"] - 1, seconds))
    return answers


def speed(answers):
    return sum(answer.tokens for answer in answers) / sum(answer.seconds for answer in answers)


def questions(path, count):
    """So many of the questions, evenly spread, each with its paragraph as the passage."""
    articles = json.loads(path.read_text())["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    pairs = [(paragraph["context"].strip(), entry["question"].strip())
             for paragraph in paragraphs for entry in paragraph["qas"]]
    chosen = [pairs[place * len(pairs) // count] for place in range(count)]
    return [f"Passage:\n{context}\n\nQuestion: {question}" for context, question in chosen]


def check_count(what, found, asked, slack=0):
    if not asked - slack <= found <= asked + slack:
        raise Failed(f"{what}: {found} instead of {asked}")


def check_text(text, tokens):
    if not text.strip() or not 1 <= tokens <= WRITTEN:
        raise Failed(f"{tokens} tokens for the answer {text!r}")


# Processes ----------------------------------------------------------------------------------------


def undisturbed(measure, *given):
    """Measures until no other process took part of the machine meanwhile."""
    for _ in range(8):
        before, began = others_seconds(), time.monotonic()
        result = measure(*given)
        others, seconds = others_seconds() - before, time.monotonic() - began
        if others < OTHERS * seconds + 0.03:  # the kernel counts in ticks of 0.01
            return result
        progress(f"  once more: other processes took {others:.2f} of {seconds:.2f} seconds")
        time.sleep(10)
    raise Failed("the machine is not idle enough to measure")


def others_seconds():
    """Processor time that was not idle and not of this process and its children (seconds)."""
    with open("/proc/stat") as file:
        user, nice, system, _idle, _waiting, *interrupts = map(int, file.readline().split()[1:9])
    busy = (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return busy - sum(usage.ru_utime + usage.ru_stime for usage in own)


def vade(args, model, *flags):
    """What `vade bench lm` printed, and the most memory it had resident (bytes)."""
    command = [args.vade, "bench", "lm", "--model", model, "--threads", args.threads, *flags, "--json"]
    environment = {**os.environ, "VADE_MODEL_DIR": str(args.model_dir)}
    output, peak = undisturbed(finish, command, environment)
    return json.loads(output), peak


def finish(command, environment):
    """Runs a command to its end; gives its output and the most memory it had resident (bytes)."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with child(command, environment, out, err) as process:
            clock = threading.Timer(LIMIT, os.kill, (process.pid, signal.SIGKILL))
            clock.start()
            try:
                # Not `process.wait()`, which would throw away how much memory it took.
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            finally:
                clock.cancel()
        out.seek(0), err.seek(0)
        if process.returncode:
            raise Failed(f"{command[0]} ended with {process.returncode}: {tail(err.read())}")
        return out.read(), usage.ru_maxrss * 1024


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
        with child(command, llama_environment(llama), log, log) as process:
            end = time.monotonic() + 120
            while not healthy(port):
                if process.poll() is not None or time.monotonic() > end:
                    raise Failed(f"llama-server is not ready: {tail(Path(log.name).read_bytes())}")
                time.sleep(0.05)
            yield port, Path(log.name)


@contextlib.contextmanager
def child(command, environment, out, err):
    """A process that does not outlive its use."""
    try:
        process = subprocess.Popen(list(map(str, command)), env=environment,
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    except OSError as error:
        raise Failed(f"{command[0]}: {error}") from error
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()


def healthy(port):
    with contextlib.suppress(OSError, Failed):
        return bool(request(port, "GET", "/health"))
    return False


def request(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
    if response.status != 200:
        raise Failed(f"llama-server answered {response.status}: {tail(answer)}")
    return answer


def llama_environment(llama):
    """No setting of llama.cpp that happens to be in the environment reaches it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
    return {**kept, "LD_LIBRARY_PATH": str(llama)}


def tail(output):
    return output.decode(errors="replace").strip()[-500:]


# The peer, the weights and the circumstances ------------------------------------------------------


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
        finish(["npm", "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", cache], os.environ)
    if digest(archive) != PACKAGE_SHA256:
        raise Failed(f"{archive} is not the package this was written for; remove it")
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
    def said(pattern, command):
        done = subprocess.run(command, env=llama_environment(llama), capture_output=True, text=True)
        found = re.search(pattern, done.stdout + done.stderr, re.MULTILINE)
        return found[1] if found else "unknown"
    describe = ["git", "-C", Path(__file__).parent, "describe", "--always", "--dirty"]
    return {
        "cpu": said(r"^model name\s*: (.*)", ["cat", "/proc/cpuinfo"]), "cores": os.cpu_count(),
        "threads": args.threads, "rounds": args.rounds, "commit": said(r"^(\w.*)", describe),
        "llama_cpp": said(r"^version: (.*)", [llama / "llama-server", "--version"]),
    }


def markdown(report):
    lines = [
        "{cpu}, {cores} cores; threads: {threads}; rounds: {rounds}; vade {commit}; "
        "llama.cpp {llama_cpp}; files cached.".format(**report),
        "", "| model | figure | vade | llama.cpp | ratio |", "|---|---|---:|---:|---:|",
    ]
    for model, result in report["models"].items():
        for name, values in result["figures"].items():
            cells = f"{spread(values['ours'])} | {spread(values['theirs'])} | {values['ratio']:.2f}"
            lines.append(f"| {model} | {name} | {cells} |")
    for model, result in report["models"].items():
        lines += ["", f"`{model}`: sha256 `{result['sha256']}`."]
        if result["answers"]:
            lines.append("{questions} answers: {equal_prompt_lengths:.0%} of the prompts equally long, "
                         "{equal_texts:.0%} of the texts equal, {accepted} of {drafted} drafted tokens "
                         "accepted.".format(**result["answers"]))
    return "\n".join(lines)


def spread(values):
    """The median, and the range where there is one."""
    middle, least, most = (f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
                           for value in (statistics.median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({least}–{most})"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR") or Path(__file__).parent.parent / "target")
    models = Path(os.environ.get("VADE_MODEL_DIR") or Path.home() / ".local/share/vade-models")
    add = parser.add_argument
    add("--vade", type=Path, default=target / "release/vade", help="our binary (default: %(default)s)")
    add("--llama-dir", type=Path, help="folder of llama.cpp's programs (default: fetched)")
    add("--model-dir", type=Path, default=models, help="where models live (default: %(default)s)")
    add("--model", action="append", help=f"catalog id, repeatable (default: {', '.join(MODELS)})")
    add("--threads", type=int, default=2, help="threads of either (default: %(default)s)")
    add("--rounds", type=int, default=5, help="rounds of ours, then theirs (default: %(default)s)")
    add("--xquad", type=Path, help="XQuAD file to take questions from (default: no answers)")
    add("--questions", type=int, default=100, help="how many, evenly spread (default: %(default)s)")
    add("--llama-flags", default="", help="further flags of llama-server for the answers")
    add("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
