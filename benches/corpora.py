#!/usr/bin/env python3
"""Makes the corpora of the scale benchmarks from real text: seeded, so that they can be made again.

notes   N Markdown notes of about 3 kB in a tree of up to 200 folders: a title, sections of real
        paragraphs, lists and code under the headings they had, front matter in some, wiki links to
        other notes. Sizes are log-normal, from 500 bytes to 40 kB; times of modification spread
        over eight years. The 123rd says `marker-000123`, once.
chunks  Such notes, larger, until they hold N thousand bytes: about N chunks of 1,000 bytes. (Vade,
        which keeps sections apart, cut a sample into 1.2 times as many.)
mixed   Some hundreds of real files as they are (unpacked where they were gzipped): HTML pages,
        PDFs, plain text and the source of man pages, each format in a folder.
edits   N edits, one after the other, to what `notes` made: paragraphs appended and changed, notes
        created, renamed, moved and deleted; each goes to standard error as a line of JSON. Text
        comes from the folder; the 7th edit says `edit-SEED-000007` where it leaves text. Appending
        writes in place, changing replaces the file. One folder and one seed end in the same notes.

The text is that of Debian's documentation packages, fetched with `apt-get download` into a cache
(or found there, even if it is not the newest) and unpacked with `dpkg-deb`; nothing is installed.
Paragraphs are those of HTML pages and plain text with more than 200 characters, each once. When
all is used up it is read again: shuffled anew over the headings, the sentences within paragraphs
shuffled too, and each begins with a sentence of its own, so that texts do not repeat byte for byte.

Standard output gets a JSON summary, standard error what is being done. `sha256` is over names and
contents; it is the same for the same seed and the same packages, which the summary names.

Known biases: technical prose, mostly English, with some German, French, Spanish, Chinese and
others; neighbouring paragraphs come from one page; wiki links point anywhere. What is read again
repeats words, so an index of words grows less than with text never seen.
"""

import argparse
import gzip
import hashlib
import html
import itertools
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import NamedTuple

PACKAGES = [
    "apache2-doc", "bash-doc", "debian-history", "debian-policy", "debian-reference-de",
    "debian-reference-en", "debian-reference-es", "debian-reference-fr", "developers-reference",
    "erlang-doc", "exim4-doc-html", "git-doc", "harden-doc", "linux-doc-6.1", "llvm-14-doc",
    "manpages", "manpages-de", "manpages-dev", "postgresql-doc-15", "python-sqlalchemy-doc",
    "python3.11-doc", "r-doc-pdf", "sqlite3-doc", "vim-runtime",
]
SIZES = {"notes": (2000, 0.9, 700, 39_000), "chunks": (8000, 0.8, 1000, 100_000)}  # see `sizes`
CHUNK = 1000  # bytes
LENGTHS = {"paragraph": range(201, 5000), "item": range(20, 600), "code": range(40, 1500)}  # characters
FOLDERS = 200
NEWEST = datetime(2025, 6, 30, tzinfo=timezone.utc).timestamp()
AGE = 8 * 365 * 86400  # seconds, of the oldest
TAGS = ["draft", "howto", "idea", "project", "reading", "reference", "review", "work"]
MIXED = {"html": 12, "pdf": 12, "text": 25, "man": 50}  # of each package at most
EDITS = {"append": 35, "change": 25, "create": 15, "rename": 10, "move": 8, "delete": 7}


class Failed(Exception):
    """Packages that cannot be had, or a folder that cannot be used."""


class Piece(NamedTuple):
    """A paragraph, list item or code block, and where it stood."""

    package: str
    page: str
    heading: str
    kind: str
    text: str


class Note(NamedTuple):
    path: Path
    title: str
    time: int
    pieces: list


def main():
    args = arguments()
    began = time.monotonic()
    try:
        made = args.make(args, Random(f"{args.command} {args.seed}"))
    except Failed as error:
        sys.exit(f"error: {error}")
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"command": args.command, "seed": args.seed, **made, "seconds": seconds}))


def progress(text):
    print(text, file=sys.stderr, flush=True)


# Notes --------------------------------------------------------------------------------------------


def make_notes(args, random):
    out, packages = empty_folder(args.out), unpacked(args)
    pieces = endless(pages_of(packages), random)
    notes = planned([taken(size, pieces) for size in sizes(args, random)], random)
    for number, note in enumerate(notes, 1):
        path = out / note.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(note_text(number, note, notes, random), encoding="utf-8")
        os.utime(path, (note.time, note.time))
        if number % 2000 == 0:
            progress(f"{number} of {len(notes)} notes")
    return summary(out, packages)


def sizes(args, random):
    """What each note is to hold (bytes): so many notes, or so many chunks in all."""
    median, spread, least, most = SIZES[args.command]
    left = args.count
    while left > 0:
        size = min(max(random.lognormvariate(math.log(median), spread), least), most)
        left -= 1 if args.command == "notes" else size / CHUNK
        yield size


def endless(pages, random):
    """All pieces, page by page; over and over, in another order each time and changed (see the top)."""
    texts = defaultdict(list)
    for piece in itertools.chain.from_iterable(pages):
        texts[piece.kind].append(piece.text)
    if not texts["paragraph"]:
        raise Failed("no text in these packages; name others with --package")
    for reading in itertools.count(1):
        progress(f"reading {reading} of {len(texts['paragraph'])} paragraphs")
        shuffled = {kind: enumerate(random.sample(texts[kind], len(texts[kind]))) for kind in texts}
        for piece in itertools.chain.from_iterable(random.sample(pages, len(pages))):
            number, text = next(shuffled[piece.kind])
            yield piece if reading == 1 else piece._replace(
                text=f"Reading {reading}, {piece.kind}-{number:07}.{changed(piece.kind, text, random)}")


def changed(kind, text, random):
    sentences = re.split(r"(?<=[.!?;]) |(?<=[。！？；])", text)
    return f"\n{text}" if kind == "code" else " " + " ".join(random.sample(sentences, len(sentences)))


def taken(size, pieces):
    """The next pieces, until they come as close to that size (bytes) as they can."""
    chosen, total = [], 0
    while not chosen or total + 200 < size:  # half a paragraph
        chosen.append(next(pieces))
        total += len(chosen[-1].text.encode()) + 8
    return chosen


def planned(contents, random):
    """Where each note lies, what it is called and when it was last changed."""
    folders, names, notes = [Path()], Counter(), []
    for _ in range(min(FOLDERS, len(contents) // 5)):
        parent = random.choice([folder for folder in folders if len(folder.parts) < 4])
        page = file_name(random.choice(contents)[0].page, names, words=2)
        folders.append(parent / page)
    weights = list(itertools.accumulate(random.expovariate(1) for _ in folders))
    for pieces in contents:
        page, heading = pieces[0].page, pieces[0].heading
        title = (heading if heading == page else f"{page}: {heading}")[:90].strip()
        [folder] = random.choices(folders, cum_weights=weights)
        age = random.betavariate(1, 2) * AGE  # more of the recent ones
        path = folder / f"{file_name(title, names)}.md"
        notes.append(Note(path, title, round(NEWEST - age), pieces))
    return notes


def file_name(title, names, words=None):
    name = "-".join(re.findall(r"\w+", title.lower())[:words])[:50].strip("-") or "note"
    names[name] += 1
    return name if names[name] == 1 else f"{name}--{names[name]}"


def note_text(number, note, notes, random):
    lines = []
    if random.random() < 0.4:
        tags = [note.pieces[0].package.replace(".", "-"), *random.sample(TAGS, random.randint(1, 3))]
        date = datetime.fromtimestamp(note.time, timezone.utc).date()
        lines += ["---", f"tags: [{', '.join(tags)}]", f"date: {date}", "---"]
    lines += [f"# {note.title}"]
    marked = random.randrange(len(note.pieces))
    heading = kind = None
    for place, piece in enumerate(note.pieces):
        if piece.heading != heading:
            lines += ["", f"## {piece.heading}"]
        if piece.heading != heading or not piece.kind == kind == "item":
            lines.append("")
        heading, kind = piece.heading, piece.kind
        prose = piece.text.replace("<", "\\<")  # or else it is taken for a tag
        lines += {"paragraph": [prose], "item": [f"- {prose}"], "code": ["```", piece.text, "```"]}[kind]
        if place == marked:
            lines += ["", f"Kept under marker-{number:06}."]
            kind = None  # an item that follows begins a list
    if random.random() < 0.6:
        others = [random.choice(notes) for _ in range(random.randint(1, 4))]
        titles = [random.choice(["", "|" + re.sub(r"[\[\]|`\\]", "", other.title)]) for other in others]
        links = [f"[[{other.path.stem}{title}]]" for other, title in zip(others, titles, strict=True)]
        lines += ["", f"See also {', '.join(links)}."]
    return "\n".join(lines) + "\n"


# Real files ---------------------------------------------------------------------------------------


def make_mixed(args, random):
    out, packages = empty_folder(args.out), unpacked(args)
    formats = defaultdict(Counter)
    for package, root in packages.items():
        found = defaultdict(list)
        for format, path in documents(root):
            if path.stat().st_size > 300:  # a man page that only names another has less
                found[format].append(path)
        for format, paths in found.items():
            for path in random.sample(paths, min(MIXED[format], len(paths))):
                to = out / format / package / path.relative_to(root)
                to = to.with_suffix("") if to.suffix == ".gz" else to
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(contents(path))
                os.utime(to, (path.stat().st_mtime,) * 2)
                formats[format] += Counter(files=1, bytes=to.stat().st_size)
        progress(f"files of {package}")
    return {**summary(out, packages), "formats": formats}


# Edits --------------------------------------------------------------------------------------------


def make_edits(args, random):
    notes = sorted(args.out.rglob("*.md"))
    if len(notes) <= args.count:  # so that deleting leaves some
        raise Failed(f"not more than {args.count} notes in {args.out}; make them with: notes N FOLDER")
    counts = Counter()
    for number in range(1, args.count + 1):
        [kind] = random.choices(list(EDITS), EDITS.values())
        marker = f"edit-{args.seed}-{number:06}"
        path = edit(kind, marker, notes, random)
        counts[kind] += 1
        progress(json.dumps({"edit": marker, "kind": kind, "path": str(path.relative_to(args.out))}))
        time.sleep(args.pause)
    return {"edits": counts, **summary(args.out)}


def edit(kind, marker, notes, random):
    """Makes the edit and keeps the list of notes right; gives where the note lies, or lay."""
    place = random.randrange(len(notes))
    path = notes[place]
    paragraphs, chosen = note_paragraphs(random.choice(notes), random)
    words = f"Noted as {marker}: {paragraphs[chosen].strip()}"
    if kind == "append":
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{words}\n")
    elif kind == "change":
        paragraphs, chosen = note_paragraphs(path, random)
        paragraphs[chosen] = words
        beside = path.with_name(f".{path.name}.tmp")
        beside.write_text("\n\n".join(paragraphs).strip() + "\n", encoding="utf-8")
        beside.replace(path)
    elif kind == "create":
        path = random.choice(notes).with_name(f"{marker}.md")
        path.write_text(f"# Note of {marker}\n\n{words}\n", encoding="utf-8")
        notes.append(path)
    elif kind == "delete":
        path.unlink()
        del notes[place]
    elif kind == "rename":
        path = notes[place] = path.rename(path.with_name(f"{path.stem}--{marker}.md"))
    else:  # no two notes in the whole tree have the same name
        elsewhere = [note.parent for note in notes if note.parent != path.parent]
        path = notes[place] = path.rename(random.choice(elsewhere or [path.parent]) / path.name)
    return path


def note_paragraphs(path, random):
    """What stands between blank lines, and the place of one that is prose (the last one if none is)."""
    paragraphs = path.read_text(encoding="utf-8").split("\n\n")
    prose = [place for place, text in enumerate(paragraphs)
             if len(text) in LENGTHS["paragraph"] and not text.startswith(("---", "#", "- ", "```"))]
    return paragraphs, random.choice(prose or [len(paragraphs) - 1])


# The text of the packages -------------------------------------------------------------------------


def pages_of(packages):
    """The pages that have paragraphs not seen before, as lists of pieces."""
    pages, seen = [], set()
    for package, root in packages.items():
        progress(f"text of {package}")
        pages += [list(pieces_of(package, *document, seen)) for document in documents(root)]
    return [page for page in pages if page]


def pieces_of(package, format, path, seen):
    """The pieces not seen before of those headings that have paragraphs."""
    source = contents(path).decode(errors="replace") if format in ("html", "text") else ""
    if "\ufffd" in source:  # not UTF-8
        return
    if format == "text":  # blank lines part paragraphs, a short line by itself is a heading
        source = re.sub(r"\n\s*\n", "\n\n<p>", html.escape(source))
        source = re.sub(r"<p>\W*(.{4,60}?)(\s+\*.*)?[^\w).]*\n\n", r"<h2>\1</h2>", source)
    page = Page()
    page.feed(source)
    page.close()
    title = page.title or path.name.split(".", 1)[0]
    for heading, group in itertools.groupby(page.blocks, key=lambda block: block[0]):
        fresh = []
        for _, kind, text in group:
            if wanted(kind, text) and text not in seen:
                seen.add(text)
                fresh.append(Piece(package, title, heading or title, kind, text))
        if any(piece.kind == "paragraph" for piece in fresh):
            yield from fresh


def wanted(kind, text):
    prose = kind == "code" or sum(map(str.isalpha, text)) > 0.6 * len(text)
    return len(text) in LENGTHS.get(kind, ()) and prose and "```" not in text


class Page(HTMLParser):
    """The paragraphs, list items and code blocks of a page, each with the heading above it."""

    KINDS = {"li": "item", "pre": "code", "td": "cell", "th": "cell", "title": "title",
             **dict.fromkeys(["h1", "h2", "h3", "h4", "h5", "h6"], "heading")}
    BLOCKS = {"p", "div", "dd", "dt", "section", "article", "table", "tr", "ul", "ol", "dl", *KINDS}
    SILENT = {"script", "style", "nav", "footer", "svg"}
    ASIDE = {"Navigation", "Note", "NOTE", "Tip", "Warning", "Caution", "Important", "Table of Contents"}

    def __init__(self):
        super().__init__()
        self.blocks, self.title, self.heading = [], "", ""
        self.parts, self.kind, self.silent = [], "paragraph", 0

    def handle_starttag(self, tag, attrs):
        self.silent += tag in self.SILENT
        if tag in self.BLOCKS and not (self.kind in ("item", "cell") and tag == "p"):
            self.end_block()
            self.kind = self.KINDS.get(tag, "paragraph")

    def handle_endtag(self, tag):
        self.silent = max(0, self.silent - (tag in self.SILENT))
        if tag in self.BLOCKS:
            self.end_block()

    def handle_data(self, data):
        if not self.silent:
            self.parts.append(data.replace("¶", ""))

    def close(self):
        super().close()
        self.end_block()

    def end_block(self):
        text, kind = "".join(self.parts), self.kind
        text = text.strip("\n").rstrip() if kind == "code" else " ".join(text.split())
        self.parts, self.kind = [], "paragraph"
        if kind in ("title", "heading"):  # without its number and the name of the whole
            text = re.sub(r"^(Chapter |Appendix )?[\dA-Z]?[\d.]*\.? +|^Erlang -- | — .*", "", text)[:120]
        if kind == "title":
            self.title = self.title or text
        elif kind == "heading":
            self.heading = self.heading if text in self.ASIDE else text
        elif text:
            self.blocks.append((self.heading, kind, text))


# Packages, folders and sums -----------------------------------------------------------------------


def unpacked(args):
    """The folder that each package was unpacked into, named after its file."""
    cache, roots = args.cache.absolute(), {}
    cache.mkdir(parents=True, exist_ok=True)
    for package in sorted(set(args.package or PACKAGES)):
        with tempfile.TemporaryDirectory(dir=cache) as beside:
            if not any(cache.glob(f"{package}_*.deb")):
                progress(f"fetching {package}")
                run(["apt-get", "-q", "download", package], beside, "refresh the package lists, put "
                    f"{package}_*.deb into {cache}, or name other packages with --package")
                for file in Path(beside).glob("*.deb"):
                    file.rename(cache / file.name)
            files = list(cache.glob(f"{package}_*.deb"))
            if len(files) != 1:
                raise Failed(f"{len(files)} files {package}_*.deb in {cache}; leave one there")
            roots[package] = files[0].with_suffix("")
            if not roots[package].exists():
                run(["dpkg-deb", "-x", files[0], "root"], beside, f"if {files[0]} is broken, remove it")
                Path(beside, "root").rename(roots[package])
    return roots


def run(command, folder, way_out):
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise Failed(f"{command[0]}: {said.strip()[-500:]}; {way_out}") from error


def documents(root):
    """Format and path of each document, without what Sphinx keeps beside a page to show its source."""
    suffixes = {".html": "html", ".htm": "html", ".pdf": "pdf", ".txt": "text"}
    for path in sorted(root.rglob("*")):
        name = Path(path.name.removesuffix(".gz"))
        is_man = "man" in path.parts and re.fullmatch(r"\.\d\w*", name.suffix)
        format = "man" if is_man else suffixes.get(name.suffix)
        if format and path.is_file() and not path.is_symlink() and "_sources" not in path.parts:
            yield format, path


def contents(path):
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def empty_folder(path):
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise Failed(f"{path} is not an empty folder; remove it or name another")
    path.mkdir(parents=True, exist_ok=True)
    return path


def summary(folder, packages=()):
    """Counts, a hash over the names, lengths and contents of all files in order of name, and versions."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    files = {name: path.read_bytes() for name, path in sorted(paths.items()) if path.is_file()}
    if not files:
        raise Failed(f"nothing came into {folder}; ask for more, or name other packages with --package")
    lengths, digest = list(map(len, files.values())), hashlib.sha256()
    for name, data in files.items():
        digest.update(b"%s\0%d\0%s" % (name.encode(), len(data), data))
    versions = {package: packages[package].name.split("_")[1] for package in packages}
    return {"files": len(files), "folders": len(paths) - len(files), "bytes": sum(lengths),
            "median": statistics.median(lengths), "most": max(lengths), "sha256": digest.hexdigest(),
            **({"packages": versions} if packages else {})}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    cache = Path(tempfile.gettempdir()) / "vademecum-benches" / "debian"
    makers = {"notes": make_notes, "chunks": make_notes, "mixed": make_mixed, "edits": make_edits}
    for name, make in makers.items():
        command = commands.add_parser(name)
        command.set_defaults(make=make)
        add = command.add_argument
        if name != "mixed":
            add("count", metavar="N", type=int, help="how many")
        add("out", metavar="FOLDER", type=Path, help="empty or absent; for edits, made by notes")
        add("--seed", type=int, default=1, help="another seed, another corpus (default: %(default)s)")
        if name == "edits":
            add("--pause", type=float, default=0, help="seconds after each edit (default: %(default)s)")
        else:
            add("--cache", type=Path, default=cache, help="folder of the packages (default: %(default)s)")
            add("--package", action="append", help="a package to take, repeatable (default: 24 of them)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
