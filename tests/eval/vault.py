#!/usr/bin/env python3
"""Writes a vault of 300 notes and 60 questions on all of them, with exact answers.

    vault.py FOLDER        FOLDER/notes and FOLDER/cases.toml, the same each time

Half of the notes and of the questions are English, half Spanish. The answers are computed from the data that the notes
are written from. People, firms, books and places are invented.
"""

import json
import sys
from datetime import date, timedelta
from pathlib import Path

FIRST = "Irene Hugo Nadia Felix Greta Oscar Thea Ravi Lotte Simon".split()
LAST = "Solano Marsh Okafor Lindqvist Tanaka".split()
CITIES = ["Bristol", "Cadiz", "Ghent", "Leith", "Tarragona"]
GROUPS = ["family", "work", "club"]
PROJECTS = ["dunes", "harbour", "archive", "orchard"]
VENDORS = ["Harlow Paints", "Kestrel Print", "Moss Timber", "Odell Freight", "Quayside Power"]
PROVEEDORES = ["Ferretería Luque", "Imprenta Roldán", "Maderas Tordo", "Aguas de Mirlo", "Transportes Vega"]
WORKS = ["primer for the boat shed", "leaflets", "oak boards", "a crate to Leith", "electricity of the workshop"]
OBRAS = ["tornillos y bisagras", "carteles", "tablones de pino", "agua del taller", "un porte a Cádiz"]
TOPICS = ["budget", "timetable", "volunteers", "permits", "open day"]
BOOK_KINDS = ["novela", "ensayo", "poesia"]
BOOK_NOUNS = "Faro Molino Puente Reloj Invierno Jardín Espejo Tranvía Archivo Cometa".split()
BOOK_ENDS = ["de sal", "sin nombre", "del norte", "y la niebla", "de papel"]
PLACE_KINDS = ["isla", "sierra", "ciudad", "costa"]
PLACE_HEADS = ["Cala", "Peña", "Villar", "Punta", "Fuente"]
PLACE_ENDS = "Mero Alcor Brisa Cierzo Dorada Enebro Fría Gavia Honda Jara".split()

# Things that few notes speak of: which ones, by their number within their folder.
MENTIONS_EN = {
    "sextant": {"people": [4, 31], "meetings": [7, 22, 41]},
    "beehive": {"people": [12], "meetings": [3, 18, 29, 46]},
    "tide tables": {"people": [8, 27, 44], "meetings": [15]},
    "slide projector": {"people": [19], "meetings": [9, 33]},
}
MENTIONS_ES = {
    "membrillo": {"libros": [5, 23], "lugares": [11, 38, 44]},
    "telescopio": {"libros": [14, 40], "lugares": [2, 27]},
    "tren de vía estrecha": {"libros": [33], "lugares": [7, 19, 30]},
    "molino de viento": {"libros": [8, 17, 46], "lugares": [35]},
}
SENTENCES_EN = {
    "sextant": "The old sextant is still in its box and wants a new mirror.",
    "beehive": "Somebody has to move the beehive before the fence is painted.",
    "tide tables": "The tide tables hang by the door.",
    "slide projector": "The slide projector needs a bulb.",
}
SENTENCES_ES = {
    "membrillo": "Allí probé un membrillo que no se olvida.",
    "telescopio": "Por la noche alguien saca un telescopio.",
    "tren de vía estrecha": "Se llega en un tren de vía estrecha.",
    "molino de viento": "Al fondo se ve un molino de viento.",
}
MONTHS_EN = "January February March April May June July August September October November December".split()
MONTHS_ES = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()
NUMBERS_EN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
NUMBERS_ES = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte"
).split()


def scattered(number, below, salt):
    """A number below a bound that looks as if drawn, and is the same each time."""
    value = (number * 2654435761 + salt * 40503 + 12345) % 2**32
    value ^= value >> 15
    value = value * 2246822519 % 2**32
    return (value ^ value >> 13) % below


# ----------------------------------------------------------------------------------------------- data


def people():
    for n in range(50):
        born = date(1950 + scattered(n, 50, 1), 1, 1) + timedelta(days=scattered(n, 365, 2))
        yield {
            "folder": "people",
            "stem": f"{FIRST[n % 10]} {LAST[n // 10]}",
            "tags": [f"person/{GROUPS[scattered(n, 3, 3)]}"],
            "city": CITIES[scattered(n, 5, 4)],
            "birthday": born,
        }


def meetings(persons):
    for n in range(50):
        day = date(2025, 9, 3) + timedelta(days=5 * n + scattered(n, 4, 5))
        project = PROJECTS[scattered(n, 4, 6)]
        present = sorted({scattered(n * 3 + k, 50, 7) for k in range(3)})
        yield {
            "folder": "meetings",
            "stem": f"{day} {project.capitalize()}",
            "tags": ["meeting", f"project/{project}"] + (["follow-up"] if scattered(n, 6, 8) == 0 else []),
            "date": day,
            "topic": TOPICS[scattered(n, 5, 9)],
            "present": [persons[k]["stem"] for k in present],
        }


def bills(folder, word, vendors, tag, salt):
    for n in range(50):
        vendor = scattered(n, 5, salt)
        yield {
            "folder": folder,
            "stem": f"{word} {n + 101} {vendors[vendor]}",
            "tags": [tag],
            "date": date(2025, 1, 8) + timedelta(days=7 * n),
            "vendor": vendors[vendor],
            "what": vendor,
            "cents": 2500 + scattered(n, 120000, salt + 1),
            "paid": scattered(n, 4, salt + 2) != 0,
        }


def books():
    for n in range(50):
        yield {
            "folder": "libros",
            "stem": f"{BOOK_NOUNS[n % 10]} {BOOK_ENDS[n // 10]}",
            "tags": [f"libro/{BOOK_KINDS[scattered(n, 3, 21)]}"],
            "date": date(2024, 1, 10) + timedelta(days=15 * n),
            "rating": 1 + scattered(n, 5, 22),
            "pages": 120 + scattered(n, 400, 23),
        }


def places():
    for n in range(50):
        yield {
            "folder": "lugares",
            "stem": f"{PLACE_HEADS[n // 10]} {PLACE_ENDS[n % 10]}",
            "tags": [f"lugar/{PLACE_KINDS[scattered(n, 4, 31)]}"] + (["volver"] if scattered(n, 7, 32) == 0 else []),
            "date": date(2023, 3, 4) + timedelta(days=21 * n),
            "book": scattered(n, 50, 33),
        }


# ---------------------------------------------------------------------------------------------- notes


def amount(cents, spanish=False):
    whole, part = divmod(cents, 100)
    text = f"{whole:,}"
    return f"{text.replace(',', '.')},{part:02}" if spanish else f"{text}.{part:02}"


def long_date(day, spanish=False):
    if spanish:
        return f"{day.day} de {MONTHS_ES[day.month - 1]} de {day.year}"
    return f"{day.day} {MONTHS_EN[day.month - 1]} {day.year}"


def mentions(note, number, table, sentences):
    return [sentences[thing] for thing, where in table.items() if number in where.get(note["folder"], [])]


def front(note, **more):
    fields = {"tags": f"[{', '.join(note['tags'])}]", **more}
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in fields.items()) + "---\n\n"


def write_person(note, number):
    said = mentions(note, number, MENTIONS_EN, SENTENCES_EN)
    head = front(note, city=note["city"], birthday=note["birthday"])
    text = f"Lives in {note['city']}. Born on {long_date(note['birthday'])}."
    return head + " ".join([text, *said]) + "\n"


def write_meeting(note, number):
    said = mentions(note, number, MENTIONS_EN, SENTENCES_EN)
    present = ", ".join(f"[[{name}]]" for name in note["present"])
    text = f"Present: {present}.\n\nWe spoke about the {note['topic']}. " + " ".join(said)
    return front(note, date=note["date"]) + text.rstrip() + "\n"


def write_invoice(note, number):
    head = front(
        note, date=note["date"], vendor=note["vendor"], amount=f"{note['cents'] / 100:.2f}", currency="EUR",
        paid=str(note["paid"]).lower(),
    )
    state = "Paid by transfer." if note["paid"] else "Not paid yet."
    text = f"From {note['vendor']}, for {WORKS[note['what']]}, {long_date(note['date'])}.\n\n"
    return head + text + f"Total: {amount(note['cents'])} EUR. {state}\n"


def write_factura(note, number):
    head = front(
        note, fecha=note["date"], proveedor=note["vendor"], importe=f"{note['cents'] / 100:.2f}", moneda="EUR",
        pagada=str(note["paid"]).lower(),
    )
    state = "Pagada por transferencia." if note["paid"] else "Sin pagar todavía."
    text = f"De {note['vendor']}, por {OBRAS[note['what']]}, {long_date(note['date'], True)}.\n\n"
    return head + text + f"Total: {amount(note['cents'], True)} €. {state}\n"


def write_book(note, number):
    said = mentions(note, number, MENTIONS_ES, SENTENCES_ES)
    head = front(note, fecha=note["date"], nota=note["rating"])
    text = f"Terminado el {long_date(note['date'], True)}. Tiene {note['pages']} páginas. Le doy un {note['rating']}."
    return head + " ".join([text, *said]) + "\n"


def write_place(note, number, titles):
    said = mentions(note, number, MENTIONS_ES, SENTENCES_ES)
    text = f"Estuve el {long_date(note['date'], True)}. Leía [[{titles[note['book']]}]]."
    return front(note, fecha=note["date"]) + " ".join([text, *said]) + "\n"


# ------------------------------------------------------------------------------------------ questions


def number(count, spanish=False):
    names = NUMBERS_ES if spanish else NUMBERS_EN
    return [[str(count)] + ([names[count]] if count < len(names) else [])]


def money(cents):
    whole, part = divmod(cents, 100)
    return [[amount(cents), amount(cents, True), f"{whole}.{part:02}", f"{whole},{part:02}"]]


def stems(notes):
    return [note["stem"] for note in notes]


def tagged(notes, tag):
    """The notes with a tag, or one below it."""
    return [n for n in notes if any(each == tag or each.startswith(tag + "/") for each in n["tags"])]


def total(notes):
    return sum(note["cents"] for note in notes)


def mentioning(notes, where):
    by_folder = {}
    for note in notes:
        by_folder.setdefault(note["folder"], []).append(note)
    return [by_folder[folder][number] for folder, numbers in where.items() for number in numbers]


def english(notes, persons, talks, invoices):
    def case(kind, question, **fields):
        return {"question": question, "kind": kind, "language": "en", **fields}

    def count(question, chosen):
        return case("count", question, expect=number(len(chosen)))

    def listed(kind, question, chosen):
        return case(kind, question, list=stems(chosen))

    march = [n for n in talks if (n["date"].year, n["date"].month) == (2026, 3)]
    autumn = [n for n in invoices if n["date"] >= date(2025, 10, 1)]
    of = lambda vendor: [n for n in invoices if n["vendor"] == vendor]
    by_amount = sorted(invoices, key=lambda n: n["cents"])
    busiest = max(persons, key=lambda p: sum(p["stem"] in n["present"] for n in talks))["stem"]
    dunes = tagged(talks, "project/dunes")
    yield count("How many notes are tagged invoice?", tagged(notes, "invoice"))
    yield count("How many notes are tagged project/harbour?", tagged(notes, "project/harbour"))
    yield count("How many notes have the tag person, subtags included?", tagged(notes, "person"))
    yield count("How many of my people are tagged person/club?", tagged(notes, "person/club"))
    yield count("How many notes are in the folder meetings?", talks)
    yield count("Count the notes tagged follow-up.", tagged(notes, "follow-up"))
    yield count("How many invoices are from Moss Timber?", of("Moss Timber"))
    yield count("How many invoices are not paid yet?", [n for n in invoices if not n["paid"]])
    yield count("How many people live in Ghent?", [n for n in persons if n["city"] == "Ghent"])
    yield listed("list", "List the notes tagged follow-up.", tagged(notes, "follow-up"))
    yield listed("list", "List the notes tagged project/dunes.", dunes)
    yield listed("list", f"Which meetings was {busiest} at?", [n for n in talks if busiest in n["present"]])
    yield listed("list", "Which people live in Leith?", [n for n in persons if n["city"] == "Leith"])
    yield listed("list", "List all invoices from Odell Freight.", of("Odell Freight"))
    yield listed("list", "List all invoices over 1,000 euros.", [n for n in invoices if n["cents"] > 100000])
    yield listed("list", "Show me the invoices that are not paid.", [n for n in invoices if not n["paid"]])
    for thing, where in MENTIONS_EN.items():
        yield listed("mention", f"Which of my notes mention the {thing}?", mentioning(notes, where))
    yield listed("date", "Which meetings were in March 2026?", march)
    yield case("date", "How many invoices are dated 1 October 2025 or later?", expect=number(len(autumn)))
    last = dunes[-1]["date"]
    dates = [str(last), long_date(last), f"{last.day} {MONTHS_EN[last.month - 1]}"]
    dates += [f"{MONTHS_EN[last.month - 1]} {last.day}"]
    yield case("date", "When was the last meeting on the dunes project?", expect=[dates])
    born = [n for n in persons if n["birthday"].month == 5]
    yield listed("date", "Who has a birthday in May?", born)
    yield case("date", f"When was {persons[17]['stem']} born?", expect=[
        [long_date(persons[17]["birthday"]), str(persons[17]["birthday"])]])
    yield case("sum", "What do the invoices from Kestrel Print add up to?", expect=money(total(of("Kestrel Print"))))
    unpaid = [n for n in invoices if not n["paid"]]
    yield case("sum", "How much do I still have to pay on unpaid invoices?", expect=money(total(unpaid)))
    may = [n for n in invoices if n["date"].month == 5]
    yield case("sum", "What is the total of the invoices of May 2025?", expect=money(total(may)))
    yield case("sum", "Which invoice is the largest?", expect=[by_amount[-1]["stem"]])
    dear = [n for n in of("Quayside Power")]
    yield case("sum", "How much have I been invoiced by Quayside Power in all?", expect=money(total(dear)))


def spanish(notes, facturas, libros, lugares):
    def case(kind, question, **fields):
        return {"question": question, "kind": kind, "language": "es", **fields}

    def count(question, chosen):
        return case("count", question, expect=number(len(chosen), True))

    def listed(kind, question, chosen):
        return case(kind, question, list=stems(chosen))

    of = lambda vendor: [n for n in facturas if n["vendor"] == vendor]
    by_amount = sorted(facturas, key=lambda n: n["cents"])
    read_2025 = [n for n in libros if n["date"].year == 2025]
    read = lambda book: [n for n in lugares if n["book"] == book]
    with_most = max(range(50), key=lambda book: len(read(book)))
    islands = tagged(lugares, "lugar/isla")
    yield count("¿Cuántas notas tienen la etiqueta factura?", tagged(notes, "factura"))
    yield count("¿Cuántas notas tienen la etiqueta libro/ensayo?", tagged(notes, "libro/ensayo"))
    yield count("¿Cuántas notas llevan la etiqueta lugar, con sus subetiquetas?", tagged(notes, "lugar"))
    yield count("¿Cuántas novelas hay entre mis libros?", tagged(notes, "libro/novela"))
    yield count("¿Cuántas notas hay en la carpeta lugares?", lugares)
    yield count("Cuenta las notas con la etiqueta volver.", tagged(notes, "volver"))
    yield count("¿Cuántas facturas son de Aguas de Mirlo?", of("Aguas de Mirlo"))
    yield count("¿Cuántas facturas están sin pagar?", [n for n in facturas if not n["paid"]])
    yield count("¿A cuántos libros les doy un 5?", [n for n in libros if n["rating"] == 5])
    yield listed("list", "Enumera las notas con la etiqueta volver.", tagged(notes, "volver"))
    yield listed("list", "Lista las notas con la etiqueta lugar/isla.", islands)
    yield listed("list", f"¿En qué lugares leía {libros[with_most]['stem']}?", read(with_most))
    yield listed("list", "¿A qué libros les doy un 1?", [n for n in libros if n["rating"] == 1])
    yield listed("list", "Lista todas las facturas de Transportes Vega.", of("Transportes Vega"))
    yield listed("list", "Lista las facturas de más de 1.000 euros.", [n for n in facturas if n["cents"] > 100000])
    yield listed("list", "Enséñame las facturas sin pagar.", [n for n in facturas if not n["paid"]])
    for thing, where in MENTIONS_ES.items():
        yield listed("mention", f"¿Qué notas mencionan el {thing}?", mentioning(notes, where))
    yield listed("date", "¿Qué lugares visité en 2024?", [n for n in lugares if n["date"].year == 2024])
    yield case("date", "¿Cuántos libros terminé en 2025?", expect=number(len(read_2025), True))
    last = islands[-1]
    dates = [str(last["date"]), long_date(last["date"], True)]
    yield case("date", "¿Cuándo estuve por última vez en una isla?", expect=[dates])
    march = [n for n in facturas if n["date"].month == 3]
    yield listed("date", "¿Qué facturas son de marzo de 2025?", march)
    yield case("date", f"¿Cuándo estuve en {lugares[26]['stem']}?", expect=[
        [long_date(lugares[26]["date"], True), str(lugares[26]["date"])]])
    yield case("sum", "¿Cuánto suman las facturas de Maderas Tordo?", expect=money(total(of("Maderas Tordo"))))
    unpaid = [n for n in facturas if not n["paid"]]
    yield case("sum", "¿Cuánto me queda por pagar de las facturas sin pagar?", expect=money(total(unpaid)))
    june = [n for n in facturas if n["date"].month == 6]
    yield case("sum", "¿Cuál es el total de las facturas de junio de 2025?", expect=money(total(june)))
    yield case("sum", "¿Cuál es la factura más alta?", expect=[by_amount[-1]["stem"]])
    luque = of("Ferretería Luque")
    yield case("sum", "¿Cuánto me ha facturado en total Ferretería Luque?", expect=money(total(luque)))


# ----------------------------------------------------------------------------------------------- file


def toml(value):
    return json.dumps(value, ensure_ascii=False)


def main():
    folder = Path(sys.argv[1])
    persons = list(people())
    talks = list(meetings(persons))
    invoices = list(bills("invoices", "Invoice", VENDORS, "invoice", 11))
    facturas = list(bills("facturas", "Factura", PROVEEDORES, "factura", 14))
    libros, lugares = list(books()), list(places())
    notes = persons + talks + invoices + facturas + libros + lugares
    titles = stems(libros)
    writers = {
        "people": write_person,
        "meetings": write_meeting,
        "invoices": write_invoice,
        "facturas": write_factura,
        "libros": write_book,
        "lugares": lambda note, place: write_place(note, place, titles),
    }
    seen = {}
    for note in notes:
        place = seen.get(note["folder"], 0)
        seen[note["folder"]] = place + 1
        file = folder / "notes" / note["folder"] / f"{note['stem']}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(writers[note["folder"]](note, place), encoding="utf-8")
    lines = ['name = "vault"', 'documents = "notes"']
    for case in [*english(notes, persons, talks, invoices), *spanish(notes, facturas, libros, lugares)]:
        lines += ["", "[[question]]"] + [f"{key} = {toml(value)}" for key, value in case.items()]
    (folder / "cases.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
