"""Records llama.cpp's most likely continuations of twenty prompts: `greedy.json`.

    python greedy.py --llama FOLDER --model ID=FILE [--model ID=FILE ...]

Models already in the file and not named here are left as they are.
"""

import argparse
import json
from pathlib import Path

import llama

HERE = Path(__file__).parent
TOKENS = 48
SYSTEM = "Answer from the document only. Give the reason for your answer in two sentences."

FERRY = """The ferry to Inchmore leaves Cullan pier at 07:10, 12:40 and 18:05 from April to September,
and at 08:30 and 16:15 for the rest of the year. Bicycles travel free; a car costs 24.50 and must be
booked two days ahead. In winds above 40 knots the 18:05 does not sail, and passengers are put up at
the Harbour Hostel at the company's expense."""
BAKERY = """Minutes, 14 March. Present: Odile, Karim, Wren. The second oven has failed twice this month.
Karim asked for three quotes; the cheapest is 3,180 with delivery in nine days, the dearest 4,400 with
a five-year guarantee. Odile prefers the guarantee. Wren will work out what a closed Saturday costs.
Decision put off until 21 March."""
LEDGER = """item | quantity | price
seed trays | 40 | 1.20
peat-free compost, 50 l | 12 | 7.85
copper labels | 200 | 0.09
watering can, 10 l | 3 | 14.00"""
TELESCOPE = """The mirror is 152 mm wide and its focal length is 1,216 mm. With the 25 mm eyepiece the
magnification is about 49 times; with the 10 mm eyepiece it is about 122 times. Let the tube cool
outside for half an hour before observing. Never point it at the Sun without the front filter."""
LEASE = """Clause 7. The tenant may keep one cat or one small dog with the owner's written consent, which
is not to be refused without a reason given within fourteen days. Clause 8. The deposit of 1,450 is
held by a third party and returned within ten days of the keys, less the cost of damage beyond fair
wear. Clause 9. Either party may end the lease with two months' notice."""
TRAIL = """Day 2 climbs from the hut at 1,640 m to the Pass of the Three Cairns at 2,310 m, then drops to
the lake. There is water at the hut and at the lake, none between. Snow lies on the north side until
the end of June. Allow six hours; after rain the last 200 m below the pass are slippery."""
ACTA = """La comunidad acordó pintar la escalera en septiembre. El presupuesto de Pinturas Arlanza es de
2.340 euros, IVA incluido, y el de Hermanos Quiroga de 2.115 euros sin IVA. La vecina del 3.º B pidió
que no se use pintura con disolvente porque su hijo tiene asma. Se votó a favor por nueve votos contra
dos."""
RECETA = """Para ocho personas: 600 g de garbanzos en remojo desde la víspera, dos puerros, tres
zanahorias, una cabeza de ajos, 250 g de espinacas y una cucharada de pimentón de la Vera. Cuézanse los
garbanzos hora y media a fuego lento. El pimentón se añade fuera del fuego, para que no amargue."""
CALDERA = """Si la presión baja de 1 bar, abra la llave de llenado hasta que la aguja marque 1,4 y
ciérrela. El código E27 indica que no llega gas; el E41, que el tiro está obstruido. No desmonte la
tapa: solo puede hacerlo un técnico autorizado. La revisión es obligatoria cada dos años."""
VIAJE = """El tren de las 6:52 llega a Zaragoza a las 8:17; el de las 9:30, a las 10:49. El billete
flexible cuesta 41,70 € y se puede cambiar hasta una hora antes. El museo cierra los lunes y los
domingos por la tarde; la entrada es gratuita el primer miércoles de cada mes."""
BIOGRAFIA = """Aurelia Montseny nació en Reus en 1871. Estudió música en Barcelona y, desde 1898, dirigió el
coro de la fábrica de su padre. Publicó cuarenta y dos canciones, casi todas sobre poemas populares.
Murió en 1946; su archivo se conserva en la biblioteca del pueblo."""
CODE = '''def mean_of_valid(readings, lowest=0.0, highest=60.0):
    """Mean of the readings within the limits, or None."""
    valid = [value for value in readings if lowest <= value <= highest]
    if not valid:
        return None
    return sum(valid) / len(valid)'''
RUST = """fn split_pairs(text: &str) -> Vec<(&str, &str)> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect()
}"""


def about(document, question):
    return [("system", SYSTEM), ("user", f"Document:\n{document}\n\nQuestion: {question}")]


def plain(question):
    return [("user", question)]


PROMPTS = {
    "ferry": about(FERRY, "Which ferries can I take in July, and may I bring my bicycle?"),
    "ferry-absent": about(FERRY, "How much does a dog's ticket cost?"),
    "bakery": about(BAKERY, "What was decided about the oven, and when will it be looked at again?"),
    "ledger": about(LEDGER, "What does each line cost in all, and which line is the dearest?"),
    "telescope": about(TELESCOPE, "How strong is the magnification with each eyepiece?"),
    "lease": about(LEASE, "Can I keep a dog, and how long may the owner take to answer?"),
    "trail": about(TRAIL, "Where can I fill my bottle on the second day?"),
    "acta": about(ACTA, "¿Qué presupuesto es más barato y qué pidió la vecina?"),
    "receta": about(RECETA, "¿Cuándo se echa el pimentón y por qué?"),
    "caldera": about(CALDERA, "¿Qué significa el código E41 y qué hago si baja la presión?"),
    "viaje": about(VIAJE, "¿A qué hora llega el segundo tren y qué días cierra el museo?"),
    "biografia": about(BIOGRAFIA, "Resume la vida de Aurelia Montseny en tres frases."),
    "english-of-spanish": about(ACTA, "In English, please: how did the vote go and about what?"),
    "code-explain": about(CODE, "What does the function give back for the list [-4, 12, 75, 18]?"),
    "code-write": plain("Write a Python function that gives the median of a list of numbers."),
    "rust-explain": about(RUST, "What happens to a line without an equals sign?"),
    "list": plain("List eight trees that grow along rivers in southern Europe, one a line."),
    "count": plain("Write the numbers from 95 to 120, separated by commas."),
    "lista": plain("Haz una lista numerada de siete cosas que llevar a la montaña en invierno."),
    "turns": [
        ("system", "You are brief and exact."),
        ("user", f"{TELESCOPE}\n\nHow wide is the mirror?"),
        ("assistant", "152 mm."),
        ("user", "And what should I do before observing, and what must I never do?"),
    ],
}


def chat(messages):
    turns = "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in messages)
    return f"{turns}<|im_start|>assistant\n"


def record(server, messages):
    prompt = server.tokenize(chat(messages), special=True)
    plain = server.tokenize("a")[0]
    tokens, entries = server.complete(prompt, TOKENS, 2)
    choices = [[(choice["id"], choice["logprob"]) for choice in entry["top_logprobs"]]
               for entry in entries]
    if [choice[0][0] for choice in choices] != tokens:
        # Some token ended within a character: ask again, one by one.
        choices = [server.next(prompt + tokens[:count], 2, plain) for count in range(len(tokens))]
    if [choice[0][0] for choice in choices] != tokens:
        raise RuntimeError("a token chosen is not the most likely one")
    return {
        "prompt": prompt,
        "continuation": tokens,
        "logprob": [round(first[1], 5) for first, _ in choices],
        "second": [second[0] for _, second in choices],
        "gap": [round(first[1] - second[1], 5) for first, second in choices],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llama", required=True, type=Path)
    parser.add_argument("--model", action="append", required=True, metavar="ID=FILE")
    arguments = parser.parse_args()
    path = HERE / "greedy.json"
    recorded = json.loads(path.read_text()) if path.exists() else {}
    for model in arguments.model:
        name, _, file = model.partition("=")
        with llama.Server(arguments.llama, file, 2048) as server:
            recorded[name] = {key: record(server, messages) for key, messages in PROMPTS.items()}
        gaps = sorted(gap for entry in recorded[name].values() for gap in entry["gap"])
        print(name, len(gaps), "tokens, smallest gaps", gaps[:5])
        path.write_text(llama.lines(recorded))


if __name__ == "__main__":
    main()
