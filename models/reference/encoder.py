"""What the embedder's reference implementations say: tokens by Hugging Face's tokenizers, vectors by
exact arithmetic (f64) on the weights of a 4-bit container, without rounding of activations.

Writes `encoder.json` for the catalog's model, and the made-up `tiny/encoder.bin` with its
`tiny/encoder.json`. See README.md for what to install and what to give it.
"""

import argparse
import json
import math
import struct
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

HERE = Path(__file__).parent
MAGIC, VERSION, BLOCK = b"E5S1", 1, 32
erf = np.vectorize(math.erf)

# The same few things in eleven languages, and what tokenizers stumble over.
TEXTS = [
    "query: when does the library open on Sundays?",
    "passage: The library opens at ten on Sundays and closes at two in the afternoon.",
    "query: ¿a qué hora abre la biblioteca los domingos?",
    "passage: La biblioteca abre los domingos a las diez y cierra a las dos de la tarde.",
    "query: à quelle heure la bibliothèque ouvre-t-elle le dimanche ?",
    "passage: La bibliothèque ouvre à dix heures le dimanche et ferme à quatorze heures.",
    "query: wann öffnet die Bibliothek sonntags?",
    "passage: Sonntags öffnet die Bibliothek um zehn Uhr und schließt um vierzehn Uhr.",
    "query: когда открывается библиотека по воскресеньям?",
    "passage: По воскресеньям библиотека открывается в десять часов и закрывается в два.",
    "query: 图书馆星期天几点开门？",
    "passage: 图书馆星期天上午十点开门，下午两点关门。",
    "query: 図書館は日曜日に何時に開きますか？",
    "passage: 図書館は日曜日の午前十時に開き、午後二時に閉まります。",
    "query: متى تفتح المكتبة أيام الأحد؟",
    "passage: تفتح المكتبة أبوابها أيام الأحد في العاشرة صباحا وتغلق في الثانية بعد الظهر.",
    "query: पुस्तकालय रविवार को कब खुलता है?",
    "passage: पुस्तकालय रविवार को सुबह दस बजे खुलता है और दोपहर दो बजे बंद होता है।",
    "query: kütüphane pazar günleri saat kaçta açılıyor?",
    "passage: Kütüphane pazar günleri saat onda açılır ve öğleden sonra ikide kapanır.",
    "query: ห้องสมุดเปิดกี่โมงในวันอาทิตย์",
    "passage: ห้องสมุดเปิดวันอาทิตย์เวลาสิบโมงเช้าและปิดเวลาบ่ายสองโมง",
    "query: thư viện mở cửa lúc mấy giờ vào chủ nhật?",
    "passage: Thư viện mở cửa lúc mười giờ sáng chủ nhật và đóng cửa lúc hai giờ chiều.",
    "query: 도서관은 일요일에 몇 시에 문을 여나요?",
    "passage: 도서관은 일요일 오전 열 시에 문을 열고 오후 두 시에 닫습니다.",
    "query: πότε ανοίγει η βιβλιοθήκη τις Κυριακές;",
    "passage: Invoice 2024-0173: 1,250.50 € due on 3 March; VAT 21 % = 262.61 €.",
    "passage: fn main() { println!(\"{}\", a[0] + b[1]); } // no comment",
    "passage: e\u0301te\u0301 nin\u0303o A\u030angstro\u0308m e\u0302\u0300 x\u0323\u0301 a\u0341 \u1f00\u0301",
    "passage: ﬁne ﬂow Ａ１ ① ½ ㎏ ㍿ ﷺ ｶﾞ カ\u3099 Ǆ ſ ´ ¨ \u0344",
    "passage:   many    spaces\tand\ttabs\r\nand\u00a0lines \u3000 wide\u2003em\u200bzero\u00adsoft  ",
    "passage: \u2581lower \u2581\u2581 one eighth\u2581block",
    "passage: 👩‍👩‍👧‍👦 🇪🇸🇩🇪 👍🏽 ❤️ 🏳️‍🌈 ☎︎ 1️⃣",
    "passage: \u0001\u0007 \u007f \u200e\u202eright\u202c \ufeffmark \ufffd \ue000 \U000f0000",
    "passage: 𐍈𐌰𐌹 𒀀𒀁 𓀀 ꙮ ᚠᚢᚦ \u0378 ⿰ 𠮷 \U0002a6a5",
    "passage: \u0915\u093c \u0958 \u05e9\u05c1 \ufb2a \u1112\u1161\u11ab 한 \u0e33 \u0eb3",
    "passage: not <un-known> but a < b > c, </ s> and < s>",
    "passage: Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "passage: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "passage: http://example.org/a/b?c=d&e=%20f#g me@example.org C:\\Users\\x ../y",
    "passage: ",
    "x",
]
LONG = "passage: " + " ".join(
    f"The {word} of the {place} was measured on day {day} and noted as {day * 7 % 13}."
    for day, (word, place) in enumerate(
        [(w, p) for w in ("height", "weight", "colour", "price", "age") for p in ("house", "river", "tree", "field")]
    )
)


class Container:
    """A container's parts."""

    def __init__(self, path):
        self.bytes = Path(path).read_bytes()
        self.at = 4
        assert self.bytes[:4] == MAGIC and self.take("I") == VERSION
        self.sizes = self.take("7i")
        self.epsilon, block = self.take("f"), self.take("i")
        assert block == BLOCK
        count, self.controls = self.take("i"), self.take("4i")
        length = self.take("Q")
        starts = self.array("<u4", count + 1)
        self.scores = self.array("<f4", count)
        text = self.bytes[self.at : self.at + length]
        self.at += length
        self.pieces = [text[a:b].decode() for a, b in zip(starts, starts[1:])]
        count, length = self.take("i"), self.take("I")
        self.replacements = (count, self.bytes[self.at : self.at + length])
        self.at += length
        self.tensors = {}
        for _ in range(self.take("i")):
            length = self.take("H")
            name = self.bytes[self.at : self.at + length].decode()
            self.at += length
            self.tensors[name] = (self.take("B"), *self.take("IQQ"))

    def take(self, kinds):
        values = struct.unpack_from("<" + kinds, self.bytes, self.at)
        self.at += struct.calcsize("<" + kinds)
        return values[0] if len(values) == 1 else values

    def array(self, kind, count):
        values = np.frombuffer(self.bytes, kind, count, self.at)
        self.at += values.nbytes
        return values

    def rows(self, name, columns=None, chosen=None):
        """A tensor `[rows, columns]` in f64, or some of its rows."""
        kind, count, offset, length = self.tensors[name]
        if kind == 0:
            values = np.frombuffer(self.bytes, "<f4", count, offset).astype(np.float64)
            values = values if columns is None else values.reshape(-1, columns)
            return values if chosen is None else values[chosen]
        raw = np.frombuffer(self.bytes, np.uint8, length, offset).reshape(-1, columns // BLOCK, 18)
        raw = raw if chosen is None else raw[chosen]
        scale = np.ascontiguousarray(raw[:, :, :2]).view("<f2").astype(np.float64)
        values = np.concatenate([raw[:, :, 2:] & 15, raw[:, :, 2:] >> 4], axis=2).astype(np.float64) - 8
        return (values * scale).reshape(raw.shape[0], columns)


class Encoder:
    def __init__(self, container):
        self.container = container
        self.layers = []
        width, layers, _, feed, *_ = container.sizes
        for layer in range(layers):
            rows = lambda name: container.rows(f"l{layer}.{name}")
            matrix = lambda name, columns: container.rows(f"l{layer}.{name}.w", columns)
            parts = {name: (matrix(name, width), rows(name + ".b")) for name in ("q", "k", "v", "ao", "fi")}
            parts["fo"] = (matrix("fo", feed), rows("fo.b"))
            for name in ("aln", "oln"):
                parts[name] = (rows(name + ".w"), rows(name + ".b"))
            self.layers.append(parts)

    def norm(self, x, weights):
        centred = x - x.mean(axis=1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True) + self.container.epsilon)
        return centred / deviation * weights[0] + weights[1]

    def vector(self, tokens):
        """Mean of the last layer, of length one."""
        container = self.container
        width, _, heads, *_ = container.sizes
        size, count = width // heads, len(tokens)
        x = container.rows("emb.word", width, tokens)
        x = x + container.rows("emb.pos", width)[:count] + container.rows("emb.type", width)[0]
        x = self.norm(x, (container.rows("emb.ln.w"), container.rows("emb.ln.b")))
        for layer in self.layers:
            apply = lambda name, y: y @ layer[name][0].T + layer[name][1]
            q, k, v = (apply(name, x).reshape(count, heads, size).transpose(1, 0, 2) for name in "qkv")
            scores = q @ k.transpose(0, 2, 1) / math.sqrt(size)
            scores = np.exp(scores - scores.max(axis=2, keepdims=True))
            scores /= scores.sum(axis=2, keepdims=True)
            attended = (scores @ v).transpose(1, 0, 2).reshape(count, width)
            x = self.norm(x + apply("ao", attended), layer["aln"])
            y = apply("fi", x)
            y = y * 0.5 * (1 + erf(y / math.sqrt(2)))
            x = self.norm(x + apply("fo", y), layer["oln"])
        mean = x.mean(axis=0)
        return mean / np.linalg.norm(mean)


def quantised(values):
    """`Q4_0` blocks of rows, as ggml makes them."""
    blocks = values.reshape(-1, BLOCK).astype(np.float32)
    peak = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1)[:, None], axis=1)
    scale = (peak / -8).astype("<f2")
    inverse = np.where(scale == 0, 0, 1 / np.where(scale == 0, 1, scale.astype(np.float32)))
    quants = np.clip(np.floor(blocks * inverse + 8.5), 0, 15).astype(np.uint8)
    packed = quants[:, :16] | quants[:, 16:] << 4
    return np.concatenate([scale.view(np.uint8), packed], axis=1).tobytes()


def tiny(container, tokenizer, path):
    """A made-up container with the pieces that the texts need; and its tokenizer."""
    width, layers, heads, feed, positions = 64, 2, 2, 96, 128
    used = {token for text in TEXTS + [LONG] for token in tokenizer.encode(text).ids}
    letters = {c for text in TEXTS for c in text[:40:2]}
    keep = [i for i, piece in enumerate(container.pieces) if i < 300 or i in used or piece in letters]
    keep = keep + [len(container.pieces) - 1] if keep[-1] != len(container.pieces) - 1 else keep
    pieces, scores = [container.pieces[i] for i in keep], container.scores[keep]
    random = np.random.default_rng(14)
    tensors = {
        "emb.word": (1, random.normal(0, 0.5, (len(pieces) + 3, width))),
        "emb.pos": (0, random.normal(0, 0.2, (positions, width))),
        "emb.type": (0, random.normal(0, 0.2, (2, width))),
    }
    def norm(name):
        tensors[name + ".w"] = (0, random.uniform(0.5, 1.5, width))
        tensors[name + ".b"] = (0, random.normal(0, 0.3, width))
    def linear(name, rows, columns, size):
        tensors[name + ".w"] = (1, random.normal(0, size / math.sqrt(columns), (rows, columns)))
        tensors[name + ".b"] = (0, random.normal(0, 0.2, rows))
    norm("emb.ln")
    for layer in range(layers):
        for name in ("q", "k"):
            linear(f"l{layer}.{name}", width, width, 1.5)
        for name in ("v", "ao"):
            linear(f"l{layer}.{name}", width, width, 1)
        norm(f"l{layer}.aln")
        linear(f"l{layer}.fi", feed, width, 1.5)
        linear(f"l{layer}.fo", width, feed, 1.5)
        norm(f"l{layer}.oln")
    text = [piece.encode() for piece in pieces]
    head = MAGIC + struct.pack("<I7i", VERSION, width, layers, heads, feed, len(pieces) + 3, positions, 2)
    head += struct.pack("<fi", 1e-6, BLOCK) + struct.pack("<i4iQ", len(pieces), *container.controls, sum(map(len, text)))
    head += np.cumsum([0] + [len(piece) for piece in text]).astype("<u4").tobytes()
    head += scores.astype("<f4").tobytes() + b"".join(text)
    count, table = container.replacements
    head += struct.pack("<iI", count, len(table)) + table + struct.pack("<i", len(tensors))
    data = {name: quantised(v) if kind else v.astype("<f4").tobytes() for name, (kind, v) in tensors.items()}
    start = len(head) + sum(2 + len(name) + 21 for name in tensors)
    offset = start = -(-start // 64) * 64
    for name, (kind, values) in tensors.items():
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", kind, values.size, offset, len(data[name]))
        offset += -(-len(data[name]) // 64) * 64
    body = b"".join(part + bytes(-len(part) % 64) for part in data.values())
    Path(path).write_bytes(head + bytes(start - len(head)) + body)
    description = json.loads(tokenizer.to_str())
    description["model"]["vocab"] = [[piece, float(score)] for piece, score in zip(pieces, scores)]
    mask = next(token for token in description["added_tokens"] if token["content"] == "<mask>")
    mask["id"] = len(pieces) - 1
    return Tokenizer.from_str(json.dumps(description))


def record(container, tokenizer, path, most, unit):
    """Tokens and vectors of all texts; vectors in parts of `unit`."""
    encoder = Encoder(container)
    tokenizer.enable_truncation(most)
    texts = []
    for text in TEXTS + [LONG]:
        tokens = tokenizer.encode(text).ids
        vector = [round(x / unit) for x in encoder.vector(tokens)]
        texts.append({"text": text, "tokens": tokens, "vector": vector})
    lines = ",\n".join(json.dumps(text, ensure_ascii=True) for text in texts)
    Path(path).write_text(f'{{"most": {most}, "texts": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--container", required=True, help="e5-small-q4.bin")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json of multilingual-e5-small")
    options = parser.parse_args()
    whole = Container(options.container)
    original = Tokenizer.from_file(options.tokenizer)
    made_up = tiny(whole, original, HERE / "tiny/encoder.bin")
    record(Container(HERE / "tiny/encoder.bin"), made_up, HERE / "tiny/encoder.json", 100, 1e-4)
    record(whole, original, HERE / "encoder.json", 512, 1e-4)
