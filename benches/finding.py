#!/usr/bin/env python3
"""What is found first among many short notes: by file name, folder, code, exact phrase and misspelt word.

    finding.py make FOLDER [--notes 10000] [--seed 1]     writes the notes, and what is asked beside them (FOLDER.json)
    finding.py ask FOLDER.json --port 4747 [--token-file FILE]     asks a running daemon that watches FOLDER

100 questions of each kind, half of them in English and half in Spanish. Notes are one or two sentences of common words
under names made of common words, so that many are alike: in each folder lie `status`, `costs` and others like them, codes
come in series that differ in one digit, and a phrase's words are in hundreds of notes. Words that are misspelt are made
up, and each is in one note. Prints a JSON object: of each kind how many questions had the right note first (`right`) and
among the first three, and how long answers took over HTTP (milliseconds; one question after the other, on one
connection). Known biases: made-up text is more alike than people's, and its names are regular.
"""

import argparse
import http.client
import json
import random
import sys
import time
from pathlib import Path

NOUNS = {
    "en": "boiler garden invoice lease kitchen window harbour bridge engine contract school doctor ticket winter market "
    "roof letter budget meeting cellar bicycle printer carpet orchard ladder pension passport insurance holiday museum "
    "river station fence piano mortgage battery recipe kettle mirror blanket camera festival workshop balcony chimney "
    "curtain drawer elevator furnace gallery hammer island jacket kennel library mattress notebook oven pillow quarry",
    "es": "caldera jardín factura alquiler cocina ventana puerto puente motor contrato colegio médico billete invierno "
    "mercado tejado carta presupuesto reunión sótano bicicleta impresora alfombra huerto escalera pensión pasaporte seguro "
    "vacaciones museo río estación valla piano hipoteca batería receta tetera espejo manta cámara fiesta taller balcón "
    "chimenea cortina cajón ascensor horno galería martillo isla chaqueta perrera biblioteca colchón cuaderno almohada",
}
ADJECTIVES = {
    "en": "old new green small broken second spare northern heavy quiet wooden yellow narrow early dry cheap round borrowed",
    "es": "viejo nuevo verde pequeño roto segundo sobrante norte pesado tranquilo amarillo estrecho temprano seco barato",
}
VERBS = {
    "en": "was repaired|was paid for|has to be ordered|belongs to the neighbour|was measured twice|is kept behind the door|"
    "needs another coat of paint|was lent to a friend|arrives on Thursday|was cleaned before the rain",
    "es": "se arregló|se pagó|hay que pedirlo|pertenece al vecino|se midió dos veces|está detrás de la puerta|"
    "necesita otra capa de pintura|se prestó a un amigo|llega el jueves|se limpió antes de la lluvia",
}
JOINS = {"en": ["and the", "beside the", "before the", "without the"], "es": ["y", "junto a", "antes de", "sin"]}
OF = {"en": "of the", "es": "de"}
USUAL = {"en": ["status", "costs", "people", "minutes"], "es": ["estado", "gastos", "personas", "actas"]}
PARTS = "bal cor den fal gri hol jun kel lam mor nor pel quil ros sten tar ul ver wyn zan".split()
ENDS = "ade berg dor ell ford ham itz low mont ney olt quin rup sby thorpe um vik worth".split()
KINDS = ["name", "folder", "code", "phrase", "misspelt"]
EACH = 100


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--notes", type=int, default=10_000)
    making.add_argument("--seed", type=int, default=1)
    asking = commands.add_parser("ask")
    asking.add_argument("questions", type=Path)
    asking.add_argument("--port", type=int, default=4747)
    asking.add_argument("--token-file", type=Path)
    args = parser.parse_args()
    make(args) if args.command == "make" else ask(args)


def make(args):
    chance = random.Random(args.seed)
    if args.folder.exists() and any(args.folder.iterdir()):
        sys.exit(f"error: {args.folder} is not empty")
    words = made_up(chance)
    folders = [(next(words).capitalize(), "en" if n % 2 else "es") for n in range(max(1, args.notes // 25))]
    taken, notes = set(), []
    for number in range(args.notes):
        folder, language = folders[number % len(folders)]
        usual = number // len(folders)
        name = USUAL[language][usual] if usual < 4 else fresh_name(chance, language, taken)
        notes.append(note(chance, language, number, folder, name, next(words)))
    for one in notes:
        path = args.folder / one["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one["text"] + "\n", encoding="utf-8")
    questions = asked(chance, notes)
    beside = Path(f"{args.folder}.json")
    beside.write_text(json.dumps({"folder": str(args.folder.resolve()), "questions": questions}, ensure_ascii=False))
    print(json.dumps({"notes": len(notes), "folders": len(folders), "questions": len(questions), "file": str(beside)}))


def made_up(chance):
    """Words that nobody has written, each once and no two alike."""
    made = set()
    while True:
        word = chance.choice(PARTS) + chance.choice(PARTS) + chance.choice(PARTS)[:2] + chance.choice(ENDS)
        if word not in made:
            made.add(word)
            yield word


def fresh_name(chance, language, taken):
    nouns, adjectives = NOUNS[language].split(), ADJECTIVES[language].split()
    while True:
        name = f"{chance.choice(adjectives)} {chance.choice(nouns)} {OF[language]} {chance.choice(nouns)}"
        if chance.random() < 0.3:
            name += f" {chance.randint(2, 9)}"
        if name not in taken:
            taken.add(name)
            return name.capitalize()


def note(chance, language, number, folder, name, rare):
    nouns, verbs = NOUNS[language].split(), VERBS[language].split("|")
    one, other, third = chance.sample(nouns, 3)
    article = "The " if language == "en" else ""
    said = f"{article}{one} {chance.choice(JOINS[language])} {other} {chance.choice(verbs)}".strip()
    code = [f"INV-2024-{number:05}", f"E{number:05}", f"part {number // 100}.{number % 100:02}.B", f"read_block_{number}"][number % 4]
    text = f"{said[0].upper()}{said[1:]}. {third.capitalize()} {rare}, {code}."
    return {"path": f"{folder}/{name}.md", "text": text, "language": language, "folder": folder, "name": name,
            "rare": rare, "code": code, "said": said, "third": third}


def asked(chance, notes):
    """Of each kind a hundred questions, on notes of both languages in turn."""
    questions = []
    names, phrases = count(note["name"] for note in notes), {}
    texts = [note["text"].lower() for note in notes]
    for kind in KINDS:
        for turn, language in zip(range(EACH), ["en", "es"] * EACH):
            while True:
                one = chance.choice(notes)
                is_usual = names[one["name"]] > 1
                if one["language"] != language or is_usual != (kind == "folder"):
                    continue
                if kind == "phrase":
                    words = one["said"].lower().split()
                    at = chance.randrange(max(1, len(words) - 4))
                    phrase = " ".join(words[at:at + 5])
                    if phrases.setdefault(phrase, sum(phrase in text for text in texts)) != 1:
                        continue
                    query = f'"{phrase}"'
                elif kind == "name":
                    query = [one["name"], one["name"].lower()][turn % 2]
                elif kind == "folder":
                    query = [f"{one['folder']} {one['name']}", f"{one['name']} {one['folder'].lower()}"][turn % 2]
                elif kind == "code":
                    query = one["code"]
                else:
                    query = f"{misspelt(chance, one['rare'])} {one['third']}"
                break
            questions.append({"kind": kind, "query": query, "path": one["path"]})
    return questions


def count(values):
    counts = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


def misspelt(chance, word):
    """One letter is wrong, but for the first."""
    at = chance.randrange(2, len(word) - 2)
    if word[at] == word[at + 1]:
        return word[:at] + word[at + 1:]
    return chance.choice([
        word[:at] + word[at + 1] + word[at] + word[at + 2:], word[:at] + word[at + 1:], word[:at] + word[at] + word[at:],
        word[:at] + chance.choice("aeiou".replace(word[at], "")) + word[at + 1:],
    ])


def ask(args):
    made = json.loads(args.questions.read_text())
    headers = {"Content-Type": "application/json"}
    if args.token_file:
        headers["Authorization"] = f"Bearer {args.token_file.read_text().strip()}"
    connection = http.client.HTTPConnection("127.0.0.1", args.port, timeout=60)
    results = {kind: {"asked": 0, "right": 0, "among_three": 0, "milliseconds": [], "wrong": []} for kind in KINDS}
    for one in made["questions"]:
        began = time.perf_counter()
        connection.request("POST", "/api/search", json.dumps({"query": one["query"], "k": 10}), headers)
        hits = json.loads(connection.getresponse().read())["hits"]
        took = (time.perf_counter() - began) * 1000
        found = [Path(hit["path"]).relative_to(made["folder"]).as_posix() for hit in hits]
        result = results[one["kind"]]
        result["asked"] += 1
        result["right"] += found[:1] == [one["path"]]
        result["among_three"] += one["path"] in found[:3]
        result["milliseconds"].append(took)
        if found[:1] != [one["path"]]:
            result["wrong"].append([one["query"], one["path"], found[:2]])
    everything = sorted(took for result in results.values() for took in result["milliseconds"])
    for result in results.values():
        result["milliseconds"] = spread(sorted(result["milliseconds"]))
        result["wrong"] = result["wrong"][:5]
    print(json.dumps({**results, "milliseconds": spread(everything)}, ensure_ascii=False, indent=1))


def spread(times):
    return {"median": round(times[len(times) // 2], 1), "p95": round(times[len(times) * 95 // 100], 1), "most": round(times[-1], 1)}


if __name__ == "__main__":
    main()
