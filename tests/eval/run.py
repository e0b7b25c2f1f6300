#!/usr/bin/env python3
"""Asks the questions of a set and judges the answers, with the daemon that VADE names.

    VADE=target/release/vade tests/eval/run.py SET… [--limit N] [--only KIND] [--absent SHARE] [--json OUT.json]

A SET is a case file (`personal/cases.toml`), a generator of one (`vault.py`), or a file in SQuAD layout
(`xquad.en.json`). Documents go to a temporary folder and the index to a temporary data directory. Each answer is judged
by the fields of its question; README.md here says what they mean. Only Python's standard library is used.
"""

import argparse
import http.client
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import unicodedata
from pathlib import Path

# ---------------------------------------------------------------------------------------------- sets


def load(path, work, absent=0.0):
    """Reads a set: its name, the folder of its documents, its questions."""
    path = Path(path)
    notes = work / "notes"
    if path.suffix == ".py":
        made = work / "made"
        subprocess.run([sys.executable, str(path), str(made)], check=True)
        path = made / "cases.toml"
    if path.suffix == ".json":
        data = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(data.get("data"), list):
            return path.name, notes, squad(data, notes, language_of_file(path), absent)
    else:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    documents = data.get("documents", {})
    if isinstance(documents, str):
        shutil.copytree(path.parent / documents, notes)
    else:
        for name, text in documents.items():
            file = notes / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return data.get("name", path.stem), notes, data["question"]


def language_of_file(path):
    """`en` of `xquad.en.json`."""
    parts = path.name.split(".")
    return parts[-2] if len(parts) > 2 and len(parts[-2]) == 2 else None


def squad(data, notes, language, absent):
    """Writes the paragraphs of a file in SQuAD layout, but for a share of them; gives its questions."""
    notes.mkdir(parents=True)
    questions, number, kept, left = [], 0, 0, 0
    for article in data["data"]:
        for paragraph in article["paragraphs"]:
            # Evenly spread, and the same ones each time.
            out = math.floor((number + 1) * absent) > math.floor(number * absent)
            name = f"{number:04}.txt"
            number += 1
            if out:
                left += 1
            else:
                kept += 1
                (notes / name).write_text(paragraph["context"], encoding="utf-8")
            for qa in paragraph["qas"]:
                golds = list(dict.fromkeys(answer["text"] for answer in qa["answers"]))
                case = {"question": qa["question"], "language": language}
                if out:
                    case |= {"kind": "absent", "found": False}
                else:
                    case |= {"kind": "fact", "expect": [golds], "phrase": golds, "cites": name}
                questions.append(case)
    return questions


def some(questions, options):
    """The questions that are asked for: of a kind, and so many, evenly spread. Conversations stay whole."""
    if options.only:
        threads = {q.get("conversation") for q in questions if q.get("kind") == options.only} - {None}
        questions = [q for q in questions if q.get("kind") == options.only or q.get("conversation") in threads]
    questions = questions[options.offset:]
    if options.limit and len(questions) > options.limit:
        step = len(questions) / options.limit
        chosen = {int(number * step) for number in range(options.limit)}
        threads = {questions[number].get("conversation") for number in chosen} - {None}
        questions = [q for n, q in enumerate(questions) if n in chosen or q.get("conversation") in threads]
    return questions


# -------------------------------------------------------------------------------------------- daemon


class Daemon:
    """A `vade up` over one folder, with an index of its own."""

    def __init__(self, program, notes, work, settings, model_dir):
        config = work / "vade.toml"
        config.write_text(settings, encoding="utf-8")
        command = [program, "up", "--port", "0", str(notes), "--data-dir", str(work / "data")]
        command += ["--config", str(config), "--model-dir", model_dir]
        self.log = open(work / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log
        )
        try:
            self.wait(work)
        except BaseException:
            self.stop()
            raise

    def wait(self, work):
        while True:
            said = (work / "log").read_text(encoding="utf-8")
            ready = re.search(r"ready: http://([^/\s]+)", said)
            if ready:
                break
            if self.process.poll() is not None:
                raise SystemExit(f"the daemon ended: {said}")
            time.sleep(0.2)
        self.address = ready[1]
        token = work / "data" / "token"
        self.token = token.read_text().strip() if token.exists() else ""
        while True:
            status = self.call("GET", "/api/status")
            if not status["indexing"]["active"] and not status["documents"]["pending"]:
                return
            time.sleep(0.2)

    def open(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.address, timeout=600)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return connection.getresponse()

    def call(self, method, path, body=None):
        response = self.open(method, path, body)
        text = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{path}: {text.decode('utf-8', 'replace')}")
        return json.loads(text)

    def ask(self, question, conversation, model):
        """The last event of an answer, its passages, and what was measured here."""
        started = time.monotonic()
        body = {"question": question}
        body |= {"conversation": conversation} if conversation else {}
        body |= {"model": model} if model else {}
        response = self.open("POST", "/api/ask", body)
        if response.status >= 400:
            return {"error": response.read().decode("utf-8", "replace")}, [], None, 0.0
        name, done, passages, first = "", {"error": "the answer broke off"}, [], None
        for line in response:
            line = line.decode("utf-8").rstrip("\r\n")
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data = json.loads(line[5:])
                if name == "passages":
                    passages = data.get("passages", [])
                    conversation = data.get("conversation") or conversation
                elif name == "token" and first is None:
                    first = (time.monotonic() - started) * 1000
                elif name == "done":
                    done = data
                elif name == "error":
                    done = {"error": data.get("error", {}).get("message", "it failed")}
        done.setdefault("conversation", conversation)
        return done, passages, first, (time.monotonic() - started) * 1000

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# ------------------------------------------------------------------------------------------ judgement

ARTICLES = {"a", "an", "the", "el", "la", "los", "las", "lo", "un", "una", "unos", "unas"}

# The small words of each language.
WORDS = {
    "en": "the is are was were and of to in for with that this it you your not on at by be has have from will can there "
    "which who what when where how yes does do did its their they",
    "es": "el los las es son fue y del para con que esta este está están tu tus no se por su sus una un lo al como pero "
    "sí en la de hay tiene según hasta cada qué cuándo dónde día más",
    "fr": "le les est sont se et du des pour avec que cette ce elle vous votre ne pas dans sur au aux une un par la de "
    "en oui non à qui selon été sera",
    "de": "der die das ist sind und von zu den dem des für mit nicht im am ein eine einen ja nein auf es dein deinen "
    "steht wird hat bei aus nach sie wurde",
    "it": "il lo gli è sono e del della dei per con che questa questo non nel nella una un di la le sì al alla dai tuoi "
    "si da ha ogni più in delle",
    "pt": "o os as é são e do da dos das para com que esta este não no na em um uma ao à sim seus de se por está mais "
    "foi tem seu sua",
}
WORDS = {language: frozenset(words.split()) for language, words in WORDS.items()}
SHARED = {word: 12 // sum(word in known for known in WORDS.values()) for known in WORDS.values() for word in known}
LETTERS = {"es": "ñ¿¡", "fr": "œëûî", "de": "äßö", "pt": "ãõ", "it": "ìò", "en": ""}


def fold(text):
    """Text as it is compared: without markers, emphasis, and differences that are not seen."""
    text = unicodedata.normalize("NFC", text)
    text = re.sub(r"\s?\[\d+\]", "", text)
    text = re.sub(r"[*`]|__", "", text)
    text = text.translate(str.maketrans("‘’“”„«»\u00a0\u202f–‑−", "''\"\"\"\"\"  ---"))
    return re.sub(r"\s+", " ", text).strip().lower()


def words(text):
    """SQuAD's normalisation, for English and Spanish: no punctuation, no articles."""
    text = "".join(c for c in fold(text) if not unicodedata.category(c).startswith("P"))
    return [word for word in text.split() if word not in ARTICLES]


def f1(said, gold):
    """The harmonic mean of precision and recall over words."""
    said, gold = words(said), words(gold)
    left, common = list(gold), 0
    for word in said:
        if word in left:
            left.remove(word)
            common += 1
    return 2 * common / (len(said) + len(gold)) if common else float(said == gold)


def says(text, wanted):
    """Whether a text says what is wanted: a string, at the bounds of words and numbers, or `/a pattern/`."""
    if len(wanted) > 2 and wanted.startswith("/") and wanted.endswith("/"):
        return re.search(wanted[1:-1], fold(text), re.IGNORECASE) is not None
    plain = fold(wanted)
    before = r"(?<!\w)(?<!\d[.,:/-])" if plain[:1].isdigit() else r"(?<!\w)"
    after = r"(?!\w)(?![.,:/-]\d)" if plain[-1:].isdigit() else r"(?!\w)"
    before = before if plain[:1].isalnum() else ""
    after = after if plain[-1:].isalnum() else ""
    if re.search(before + re.escape(plain) + after, fold(text)):
        return True
    bare = " ".join(words(wanted))
    return any(c.isalpha() for c in bare) and f" {bare} " in f" {' '.join(words(text))} "


def several(value):
    """A field that may be one string or several."""
    return [value] if isinstance(value, str) else list(value or [])


def missing(text, expect):
    """What is expected and not said. An entry that is a list is said when any of its strings is."""
    return [each for each in several(expect) if not any(says(text, one) for one in several(each))]


def cells(value):
    """All that a table says."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return " \n".join(cells(each) for each in value)
    return "" if value is None or isinstance(value, bool) else str(value)


def listed_rows(table):
    """The paths of the documents that a table lists; none where there is no such table. What its evidence quotes may
    name other documents."""
    rows = table.get("rows") if isinstance(table, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "path" in row for row in rows):
        return None
    return {row["path"] for row in rows} or None


def language(text):
    """The language of a text by its small words, of those known here; none where they do not tell."""
    plain = re.sub(r'"[^"]*"', " ", fold(text))
    tokens = re.findall(r"[^\W\d_]+", plain)
    if not tokens:
        return None
    score = {}
    for code, known in WORDS.items():
        letters = sum(plain.count(letter) for letter in LETTERS[code])
        # A word that several languages have tells less of each.
        score[code] = sum(SHARED[word] for word in tokens if word in known) + 24 * letters
    best = max(score.values())
    leaders = [code for code, points in score.items() if points == best]
    return leaders[0] if best and len(leaders) == 1 else None


def named(path, wanted):
    """Whether a path is one of the files that a set names."""
    return any(path == one or path.endswith("/" + one) for one in several(wanted))


def judge(case, done, passages, hits, notes, text_of):
    """What a person would say of an answer, field by field; what does not apply is left out."""
    answer, found = done.get("answer", ""), bool(done.get("found"))
    said = answer + "\n" + cells(done.get("table"))
    citations = done.get("citations", [])
    verdict = {}
    answerable = case.get("found", True)
    if case.get("kind") != "language":
        verdict["refused" if answerable else "absent_refused"] = not found
    right = found == answerable and "error" not in done
    expect = several(case.get("expect"))
    if expect and answerable:
        lacks = missing(said, expect)
        verdict["gold"] = not lacks
        verdict["gold_share"] = 1 - len(lacks) / len(expect)
        right = right and not lacks
        if lacks:
            verdict["lacks"] = lacks
    false = [one for one in several(case.get("reject")) if says(said, one)]
    if case.get("reject"):
        verdict["clean"] = not false
        verdict["false"] = false
        right = right and not false
    if "list" in case:
        files = [path for path in notes.rglob("*") if path.is_file()]
        wanted = set(case["list"])
        # Another note is one too many where it is of the kind that was asked for.
        folders = {path.parent for path in files if path.stem in wanted}
        rows = listed_rows(done.get("table"))
        if rows is None:
            listed = {path.stem for path in files if path.parent in folders and says(said, path.stem)}
        else:
            listed = {path.stem for path in files if path.parent in folders and str(path) in rows}
        verdict["list_missing"] = sorted(wanted - listed)
        verdict["list_extra"] = sorted(listed - wanted)
        verdict["list"] = listed == wanted and found
        right = right and verdict["list"]
    if case.get("phrase") and answerable:
        span = done.get("phrase")
        span = span.get("text", "") if isinstance(span, dict) else span
        verdict["phrase_f1"] = max(f1(span or answer, gold) for gold in several(case["phrase"])) if found else 0.0
    if case.get("cites") and answerable:
        wanted = case["cites"]
        if found:
            verdict["first_citation"] = bool(citations) and named(citations[0]["path"], wanted)
        verdict["prompted"] = any(named(passage["path"], wanted) for passage in passages)
        if hits is not None:
            files = list(dict.fromkeys(hit["path"] for hit in hits))
            places = [place for place, path in enumerate(files, 1) if named(path, wanted)]
            total = min(len(several(wanted)), 10)
            for k in (1, 5, 10):
                verdict[f"recall_{k}"] = sum(place <= k for place in places) / min(total, k)
            best = sum(1 / math.log2(place + 1) for place in range(1, total + 1))
            verdict["ndcg_10"] = sum(1 / math.log2(place + 1) for place in places if place <= 10) / best
    if citations:
        verbatim = [squeeze(each.get("quote", "")) in text_of(each["path"]) for each in citations]
        verdict["verbatim"] = sum(verbatim) / len(verbatim)
        golds = [one for each in (expect or several(case.get("phrase"))) for one in several(each)]
        if (golds or case.get("quote")) and answerable:
            proven = [
                any(says(quote_of(each), gold) for gold in golds) or overlaps(each, case.get("quote"))
                for each in citations
            ]
            both = [is_there and proves for is_there, proves in zip(verbatim, proven)]
            verdict["quotes_with_gold"] = sum(both) / len(both)
            verdict["proven"] = any(both)
    if case.get("quote") and answerable:
        right = right and verdict.get("proven", False)
    if case.get("language"):
        told = language(answer)
        verdict["language"] = told or "undecided"
        verdict["language_right"] = told in (None, case["language"])
        if case.get("kind") == "language":
            right = verdict["language_right"] and "error" not in done
    verdict["right"] = right
    verdict["wrong"] = found and not right
    return verdict


def quote_of(citation):
    """A quote as it is compared: the cells of a row that commas separate stand apart."""
    quote = citation.get("quote", "")
    return quote.replace(",", " | ") if citation["path"].endswith(".csv") else quote


def overlaps(citation, sentence):
    """Whether a citation quotes a sentence, or a part of it."""
    quote, sentence = " ".join(words(citation.get("quote", ""))), " ".join(words(sentence or ""))
    return bool(quote and sentence) and (quote in sentence or sentence in quote)


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def texts(notes):
    """Reads a document once, with its spaces made one."""
    kept = {}

    def text_of(path):
        if path not in kept:
            try:
                kept[path] = squeeze(Path(path).read_text(encoding="utf-8", errors="replace"))
            except OSError:
                kept[path] = ""
        return kept[path]

    return text_of


# -------------------------------------------------------------------------------------------- figures

SHARES = [
    ("right", "right"),
    ("wrong", "answered wrongly"),
    ("gold", "contains gold"),
    ("gold_share", "expected points said"),
    ("clean", "nothing false said"),
    ("phrase_f1", "phrase F1"),
    ("first_citation", "first citation right"),
    ("verbatim", "citations verbatim"),
    ("quotes_with_gold", "citations verbatim, with the gold"),
    ("proven", "some citation has the gold"),
    ("refused", "answerable refused"),
    ("absent_refused", "absent refused"),
    ("list", "list exact"),
    ("language_right", "language right"),
    ("prompted", "right document in the prompt"),
    ("recall_1", "recall@1"),
    ("recall_5", "recall@5"),
    ("recall_10", "recall@10"),
    ("ndcg_10", "nDCG@10"),
]


def percentile(values, share):
    """The value that a share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else None


def figures(rows):
    """Each figure with the number of questions it rests on."""
    result = {"n": len(rows)}
    for key, _ in SHARES:
        values = [float(row["verdict"][key]) for row in rows if key in row["verdict"]]
        if values:
            result[key] = {"mean": round(sum(values) / len(values), 4), "n": len(values)}
    for key in ("first_token_ms", "total_ms"):
        values = [row[key] for row in rows if row.get(key) is not None]
        if values:
            result[key] = {"median": round(percentile(values, 0.5)), "p90": round(percentile(values, 0.9))}
    return result


def grouped(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(row.get(key) or "-", []).append(row)
    return {name: figures(group) for name, group in sorted(groups.items())}


COLUMNS = [
    ("right", "right"),
    ("wrong", "wrong"),
    ("gold", "gold"),
    ("phrase_f1", "F1"),
    ("first_citation", "cited"),
    ("proven", "proven"),
    ("refused", "refused"),
    ("absent_refused", "absent"),
    ("language_right", "language"),
]


def groups(result):
    """All, and kinds and languages where there are several."""
    rows = {"all": result["figures"]} if result else {}
    for parts in (result.get("by_kind", {}), result.get("by_language", {})):
        rows |= parts if len(parts) > 1 else {}
    return rows


def line(name, each):
    cells = (f"{each[key]['mean']:.3f}" if key in each else "" for key, _ in COLUMNS)
    return f"{name:<16}{each['n']:>5}" + "".join(f"{cell:>9}" for cell in cells)


def show(name, result, before):
    every, old = result["figures"], before.get(name, {})
    print(f"\n{name}: {every['n']} questions")
    print(f"{'':<16}{'n':>5}" + "".join(f"{head:>9}" for _, head in COLUMNS))
    for group, each in groups(result).items():
        print(line(group, each))
        if group in groups(old):
            print(line("  before", groups(old)[group]))
    for key, label in SHARES:
        if key in every and key not in dict(COLUMNS):
            was = old.get("figures", {}).get(key)
            was = f", before {was['mean']:.3f}" if was else ""
            print(f"{label}: {every[key]['mean']:.3f} of {every[key]['n']}{was}")
    for key, label in (("first_token_ms", "first words"), ("total_ms", "whole answer")):
        if key in every:
            print(f"{label}: {every[key]['median']} ms median, {every[key]['p90']} ms p90")


# ----------------------------------------------------------------------------------------------- run


def run(path, options, program):
    with tempfile.TemporaryDirectory(prefix="vade-eval-") as directory:
        work = Path(directory).resolve()
        name, notes, questions = load(path, work, options.absent)
        questions = some(questions, options)
        daemon = Daemon(program, notes, work, options.settings, options.model_dir)
        try:
            rows = [*asked(daemon, questions, notes, options)]
        finally:
            daemon.stop()
    result = {
        "set": name,
        "figures": figures(rows),
        "by_kind": grouped(rows, "kind"),
        "by_language": grouped(rows, "language"),
        "questions": rows,
    }
    return name, result


def asked(daemon, questions, notes, options):
    """Asks one question after the other; gives a row for each."""
    conversations, text_of, root = {}, texts(notes), str(notes) + "/"
    for number, case in enumerate(questions, 1):
        thread = case.get("conversation")
        hits = None
        if not conversations.get(thread):
            hits = daemon.call("POST", "/api/search", {"query": case["question"], "k": 30})["hits"]
        done, passages, first, total = daemon.ask(case["question"], conversations.get(thread), options.model)
        if thread:
            conversations[thread] = done.get("conversation")
        verdict = judge(case, done, passages, hits, notes, text_of)
        short = lambda path: path.removeprefix(root)
        row = {key: case[key] for key in case}
        row.setdefault("kind", "fact")
        row |= {
            "answer": done.get("answer", ""),
            "answered": bool(done.get("found")),
            "citations": [
                {"path": short(each["path"]), "quote": each.get("quote", "")} for each in done.get("citations", [])
            ],
            "passages": [short(passage["path"]) for passage in passages],
            "first_token_ms": first,
            "total_ms": total,
            "timings": done.get("timings"),
            "verdict": verdict,
        }
        row |= {key: done[key] for key in ("error", "plan", "phrase", "table") if done.get(key) is not None}
        # The case's own phrase is the gold; what was answered has a name of its own.
        if "phrase" in case and done.get("phrase") is not None:
            row |= {"phrase": case["phrase"], "phrase_said": done["phrase"]}
        if not options.quiet:
            mark = "ok " if verdict["right"] else ("-- " if not row["answered"] else "NO ")
            print(f"{mark}{number}/{len(questions)} {case['question']}", file=sys.stderr)
            if not verdict["right"]:
                said = row.get("error") or row["answer"]
                print(f"      {squeeze(said)[:200]}", file=sys.stderr)
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="SET")
    parser.add_argument("--limit", type=int, default=0, help="so many questions, evenly spread")
    parser.add_argument("--offset", type=int, default=0, help="pass over the first questions")
    parser.add_argument("--only", metavar="KIND", help="only questions of this kind")
    parser.add_argument("--absent", type=float, default=0.0, help="share of SQuAD paragraphs left out")
    parser.add_argument("--model", help="catalog id of the language model")
    share = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    parser.add_argument("--model-dir", default=os.environ.get("VADE_MODEL_DIR") or str(share / "vade-models"))
    parser.add_argument("--settings", default="", help="lines of the settings file")
    parser.add_argument("--json", metavar="FILE", help="write everything there (- for standard output)")
    parser.add_argument("--before", metavar="FILE", help="what --json wrote earlier, to compare with")
    parser.add_argument("--quiet", action="store_true", help="do not show each question")
    options = parser.parse_args()
    options.settings = options.settings.replace("\\n", "\n")
    program = os.environ.get("VADE") or str(Path.home() / ".cache/vademecum/target/release/vade")
    before = json.loads(Path(options.before).read_text(encoding="utf-8")) if options.before else {}
    results = {}
    for path in options.sets:
        name, result = run(path, options, program)
        results[name] = result
        if options.json != "-":
            show(name, result, before)
    if options.json == "-":
        json.dump(results, sys.stdout, ensure_ascii=False, indent=1)
    elif options.json:
        Path(options.json).write_text(json.dumps(results, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
