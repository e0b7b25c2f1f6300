#!/usr/bin/env python3
"""Fits a model's judge: the weights that tell from its state whether a quote answers a question.

    python3 -m venv V && V/bin/pip install scikit-learn
    VADE=… V/bin/python tests/eval/judge.py SET… --out models/src/language/judge/MODEL.f32

A SET is a case file, or `mixed`: paragraphs of XQuAD, every other one in Spanish, a fourth of them left out, asked in both
languages (the two files beside each other in the folder that XQUAD names). Each set is also judged by weights of the
others alone, and those figures are printed: area under the curve over quotes, the same over questions (is there a right
one?), and how many right ones are chosen with what else speaks for them."""
import argparse, array, json, os, pathlib, re, subprocess, sys, tempfile, tomllib

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

ARTICLES = 28  # of XQuAD's 48; the others are left for measuring
STRENGTH = 0.2  # of the regression: the inverse of its penalty
FIELD = re.compile(r'(\w+)=(Some\("(?:[^"\\]|\\.)*"\)|"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\S+)')
flat = lambda text: " ".join(re.sub(r'[\s|*#"]+', " ", text).split()).lower()


def mixed(folder, limit):
    """A case file of paragraphs and questions in both languages."""
    root = pathlib.Path(os.environ["XQUAD"])
    english, spanish = (json.loads((root / f"xquad.{code}.json").read_text())["data"] for code in ("en", "es"))
    documents, cases, number = {}, [], 0
    for one, other in zip(english[:ARTICLES], spanish[:ARTICLES]):
        for both in zip(one["paragraphs"], other["paragraphs"]):
            number += 1
            text, is_there, name = both[number % 2], number % 4 != 3, f"{number:04}.txt"
            if is_there:
                documents[name] = text["context"]
            for place, asked in enumerate(zip(both[0]["qas"], both[1]["qas"])):
                answer = text["qas"][place]["answers"][0]
                case = {"question": asked[(place + number // 2) % 2]["question"], "kind": "fact" if is_there else "absent"}
                if is_there:
                    before, after = text["context"][: answer["answer_start"]], text["context"][answer["answer_start"] :]
                    begin = max(before.rfind(". "), before.rfind("\n")) + 1
                    case |= {"cites": name, "quote": (before[begin:] + after)[:120].strip(), "expect": [answer["text"]]}
                else:
                    case["found"] = False
                cases.append(case)
    step = max(1.0, len(cases) / limit)
    cases = [cases[int(n * step)] for n in range(min(limit, len(cases)))]
    file = pathlib.Path(folder) / "mixed.json"
    file.write_text(json.dumps({"documents": documents, "question": cases}))
    return file


def fields(line):
    return {name: value_of(value) for name, value in FIELD.findall(line)}


def value_of(value):
    if value.startswith("["):
        return json.loads(value)
    return re.sub(r"\\(.)", lambda escaped: {"n": "\n"}.get(escaped[1], escaped[1]), value.strip('"'))


def judged(file):
    """The quotes that were judged: of which question, with the state, what speaks for them, and whether they are right."""
    text = pathlib.Path(file).read_text()
    cases = (json.loads(text) if str(file).endswith("json") else tomllib.loads(text))["question"]
    command = [os.environ.get("VADE", "vade"), "eval", "--judge-all", "--json", str(file)]
    log = {"RUST_LOG": "vade_retriever=trace,vade_models::language=trace,warn", "NO_COLOR": "1"}
    with tempfile.NamedTemporaryFile("w+") as said:
        subprocess.run(command, env=os.environ | log, stdout=subprocess.DEVNULL, stderr=said, check=True)
        said.seek(0)
        lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in said]
    known = {case["question"]: number for number, case in enumerate(cases)}
    rows, quotes, state, asked = [], {}, None, None
    for line in lines:
        if " candidate place=" in line:
            one = fields(line)
            quotes[one["place"]] = one
        elif " judged read=" in line:
            one = fields(line)
            asked = known.get(re.findall(r"\nQuestion: (.*?)\n", one["read"])[-1])
            state = np.array(one["state"], np.float32)
        elif " judged place=" in line and asked is not None:
            quote = quotes[fields(line)["place"]]
            row = {"asked": asked, "state": state, "favour": float(quote["favour"])}
            rows.append(row | {"right": is_right(cases[asked], quote)})
    return rows


def is_right(case, quote):
    files = [case["cites"]] if isinstance(case.get("cites"), str) else case.get("cites", [])
    if not case.get("found", True) or quote["path"].split("/")[-1] not in {name.split("/")[-1] for name in files}:
        return False
    said = flat(quote["text"])
    if "quote" in case:
        wanted = [case["quote"]] if isinstance(case["quote"], str) else case["quote"]
        return any(flat(one)[:50] in said or len(said) > 12 and said in flat(one) for one in wanted)
    words = [[one] if isinstance(one, str) else one for one in case.get("expect", [])]
    words = [[word for word in some if not word.startswith("/")] for some in words]
    return any(words) and all(any(flat(word) in said for word in some) for some in words if some)


def states(rows):
    all_ = np.stack([row["state"] for row in rows])
    return all_ / np.sqrt((all_**2).mean(axis=1, keepdims=True) + 1e-6)


def fitted(rows):
    return LogisticRegression(C=STRENGTH, max_iter=5000).fit(states(rows), [row["right"] for row in rows])


def figures(name, rows, odds):
    right = np.array([row["right"] for row in rows])
    favour = np.array([row["favour"] for row in rows])
    of = {asked: [n for n, row in enumerate(rows) if row["asked"] == asked] for asked in {row["asked"] for row in rows}}
    there = [bool(right[places].any()) for places in of.values()]
    chosen = [right[places][np.argmax((favour + 2 * odds)[places])] for places in of.values() if right[places].any()]
    by_question = roc_auc_score(there, [odds[places].max() for places in of.values()]) if len(set(there)) > 1 else float("nan")
    print(f"{name}: quotes {roc_auc_score(right, odds):.3f}, questions {by_question:.3f}, chosen {np.mean(chosen):.3f} of {len(chosen)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--mixed", type=int, default=150, help="questions of `mixed`")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        all_ = {name: judged(mixed(folder, options.mixed) if name == "mixed" else name) for name in options.sets}
    for name, rows in all_.items():
        others = [row for other, rows in all_.items() if other != name for row in rows]
        if others:
            figures(name, rows, fitted(others).decision_function(states(rows)))
    model = fitted([row for rows in all_.values() for row in rows])
    weights = array.array("f", [*model.intercept_, *model.coef_[0]])
    if sys.byteorder == "big":
        weights.byteswap()
    pathlib.Path(options.out).write_bytes(weights.tobytes())


main()
