"""Records how llama.cpp cuts texts into tokens: `tokens.json`; writes `vocabularies/*.gguf`.

    python tokens.py --llama FOLDER [--model ID=FILE ...]

Nothing is added before or after a text. In `texts` no control token is recognised, in
`special_texts` all are; tokens that a vocabulary calls user-defined count in both. The
vocabularies are trained here on `text.txt` and on the texts below; their files have no weights.
There is one in bytes for each pre-tokenizer: their merges cross the borders of words on purpose, so
that a text cut at the wrong place gives other tokens, and some of their tokens come from no merge.
Two are of SentencePiece's kind, with and without a space put before the text.
"""

import argparse
import json
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import gguf

import llama
import vocabulary

HERE = Path(__file__).parent
PRE_TOKENIZERS = ["llama-bpe", "gpt-2", "smollm", "qwen2"]
SPECIALS = ["<|endoftext|>", "<|im_end|>", "<|im_start|>", "<start_of_turn>"]
DEFINED = ["<tool_call>", "</tool_call>"]
# Whole words that no merge makes.
UNMERGED = ["ĠfarolaÃ±", "zxqj", "Ġzxqj", "qqq", "Ãŀ"]
MERGES = 1500
PIECE_SPECIALS = ["<s>", "</s>", "<start_of_turn>", "<end_of_turn>"]
PIECE_DEFINED = ["\n\n", "  ", "   ", "<tool_call>"]

TEXTS = [
    # Empty-ish and single characters.
    "", " ", "  ", "\n", "\n\n", "\t", "\r\n", ".", "a", "ñ", "\u00a0", "\u200b", "\ufeff",
    # Plain sentences.
    "The lighthouse at Carrow Head has had eleven keepers.",
    "Mi vecina riega antes de que salga el sol.",
    " leading space", "trailing space ", "  two  spaces  inside  ",
    "UPPER lower MiXeD camelCase snake_case kebab-case SCREAMING_SNAKE",
    "One. Two! Three? Four… Five—six–seven-eight", "a,b;c:d/e\\f|g", "(nested [brackets {here}])",
    "«comillas» “quotes” ‘single’ „low“ 'plain' \"double\"", "¿Qué? ¡No!",
    "100% sure & #1 @home $5 £6 €7 ¥8",
    # Contractions.
    "don't can't won't I'm you're we've she'll they'd it's",
    "DON'T CAN'T I'M YOU'RE WE'VE SHE'LL THEY'D IT'S",
    "Don'T I'Ll we'Re y'all 'twas 'tis o'clock rock'n'roll",
    "don’t I’m you’re l’eau d’accord", "'s 't 're 've 'm 'll 'd", "the dogs' toys' 'x'y'z'",
    "'sing 'time 'real 'very 'more 'llama 'dear", "ſ'ſ 'ſ",
    # Digits.
    "0", "7", "42", "365", "2024", "12345", "123456", "1234567",
    "1234567890123456789012345678901234567890",
    "3.14159", "1,234,567.89", "1.234.567,89", "-40 °C +7", "2026-03-14T15:09:26.535Z",
    "07:10 12:40 18:05",
    "192.168.0.1", "0xDEADBEEF 0b1010 0o755", "1e-10 6.022e23", "a1b22c333d4444",
    "abc123def 4x4 h2o co2",
    "١٢٣٤٥٦ ۱۲۳ १२३४ ๑๒๓", "½ ¾ ² ³ Ⅷ ① ⑩", "１２３４５", "3.º B 2.ª 1er", "5'11\" 12m² 30°",
    "tel. +34 600 123 456",
    " 1 12 123 1234 12345", "1\n12\n123\n1234", "x=10;y=200;z=3000",
    # Accents, combining marks, letters of many scripts.
    "áéíóúüñ ÁÉÍÓÚÜÑ", "cafe\u0301 nin\u0303o u\u0308ber", "a\u0301\u0302\u0303\u0304b",
    "Å \u212b A\u030a",
    "naïve façade Zürich smörgåsbord Łódź Škoda œuvre æther", "ﬁne ﬂow ﬀ", "ǅ ǈ ß ẞ İ ı",
    "Привет, мир! Съешь ещё этих мягких булок.", "Γειά σου Κόσμε, ΑΒΓ αβγ ς",
    "שלום עולם, מה שלומך?",
    "مرحبا بالعالم، كيف حالك؟ السَّلَامُ عَلَيْكُمْ", "نص عربي 123 مع أرقام ٤٥٦",
    "नमस्ते दुनिया, आप कैसे हैं?", "क्षत्रिय ज्ञान श्री १२",
    "தமிழ் மொழி", "ภาษาไทยไม่มีช่องว่าง", "ខ្មែរ", "မြန်မာဘာသာ", "გამარჯობა", "Բարեւ աշխարհ",
    "你好，世界！今天天气很好。", "我有3个苹果和12个梨", "日本語のテキスト、カタカナとひらがな。", "東京タワー2024年", "안녕하세요 세계 한국어", "ㄱㄴㄷ 각",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝕋𝕖𝕩𝕥 𝒞𝓊𝓇𝓈𝒾𝓋ℯ", "𠀀𠀁𪚥", "Tiếng Việt có dấu",
    # Emoji and symbols.
    "😀", "I ❤️ you 😀😃😄!", "👨‍👩‍👧‍👦 👩🏽‍🚀 🏳️‍🌈", "🇪🇸🇬🇧🇯🇵", "👍🏿👍🏻👍", "1️⃣ 2️⃣ #️⃣",
    "☃ ★ ☎ ✓ → ⇒ ∀x∈ℝ: x²≥0", "┌─┐│ │└─┘",
    "♪♫ © ® ™ § ¶ †", "…!!!???...", "----====****____####", "~~~~ ````", "^_^ :-) ;-P <3",
    # White space.
    "a b  c   d    e     f", "a\tb\t\tc\t\t\td",
    "line one\nline two\n\nline four\n\n\n\nline eight", "windows\r\nline\r\n\r\nends\r\n",
    "old\rmac\r\rends", "ends with spaces   ", "ends with newlines\n\n\n", "   \n   \n",
    "\n  indented\n\t\ttabbed\n  \n end",
    " \t \n \t ", "a \n b", "a\u00a0b\u2003c\u3000d\u2028e\u2029f\u0085g",
    "a\u200bb\u200cc\u200dd\u2060e", "x   1   .   é   中",
    "            twelve spaces then text", "word" + " " * 40 + "word", "\n" * 20, " \n" * 6,
    # Code.
    "def f(x):\n    return x**2  # square\n\n\nprint(f(3))\n",
    "for (int i = 0; i < 10; ++i) {\n\tsum += a[i];\n}\n",
    "fn main() -> Result<(), Box<dyn Error>> {\n    println!(\"{x:?}\");\n}",
    "SELECT name, COUNT(*) FROM birds WHERE seen >= '2024-01-01' GROUP BY 1;",
    "<div class=\"note\" id='n1'>&amp; &lt;b&gt;</div>",
    "{\"key\": [1, 2.5, null, true], \"другой\": \"值\"}",
    "#include <stdio.h>\n#define MAX(a,b) ((a)>(b)?(a):(b))",
    "$HOME/.config && ls -la | grep '^d' > /dev/null 2>&1",
    "a!=b a==b a<=b a=>b a->b a::b a&&b a||b a??b a?.b", "^(?:\\d{3}-)?[A-Za-z]+\\s*$",
    "| a | b |\n|---|:-:|\n| 1 | 2 |\n\n- [ ] todo\n- [x] done\n\n```rust\nlet x = 1;\n```",
    "\\frac{a}{b} + \\sum_{i=0}^{n} x_i",
    # Addresses and names.
    "https://example.org/a/b?c=d&e=%20f#g", "mail.to+tag@sub.example.com",
    "C:\\Users\\Ana\\Mis documentos\\acta.pdf", "/usr/local/share/../lib", "v1.2.3-rc.4+build.5",
    # Very long words.
    "a" * 200, "ab" * 100, "é" * 60, "Donaudampfschifffahrtsgesellschaftskapitän",
    "supercalifragilisticexpialidocious",
    "zxqj zxqj qqq farolañ farolañ qqqq Þ", "ACGTTGCAACGTTTGACCAGTTGACA" * 4,
    # What only looks like a special token, and control characters.
    "<|im_end|>", "a<|im_start|>system\nobey<|im_end|>\n",
    "<|endoftext|><|eot_id|><|begin_of_text|>", "<start_of_turn>user\nhi<end_of_turn>",
    "<bos><eos><pad><unk></s><s>", "[INST] no [/INST]", "<|im_end", "|im_end|>", "< |im_end| >",
    "<tool_call>{\"name\": \"f\"}</tool_call>",
    "<|fim_prefix|>def f(<|fim_suffix|>):<|fim_middle|><|repo_name|>",
    "<repo_name>a/b<file_sep>c.py<filename>d<gh_stars>5",
    "<think>hm</think> <unused0> [multimodal]", "[PAD151665]",
    "<0x0A><0x41>", "▁under▁score ▁", "Ġbyte Ċletters Ã±",
    "\u0001\u0002\u001b[31mred\u001b[0m\u007f", "\ufffd\ufffe\ue000\U0010ffff",
]

SPECIAL_TEXTS = [
    "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n¿Qué hora es?<|im_end|>\n<|im_start|>assistant\n",
    "<|im_end|>", " <|im_end|> ", "\n<|im_end|>\n\n", "a<|im_end|>b",
    "don<|im_end|>'t 12<|im_end|>34",
    "<|im_start|><|im_start|><|endoftext|>", "<|im_end|", "<<|im_end|>>", "<|IM_END|>",
    "<bos><start_of_turn>user\nhi  there<end_of_turn>\n<start_of_turn>model\n",
    "<tool_call>\n{}\n</tool_call>  <tool_call>",
]


def corpus():
    """Paragraphs, and their words with the space before."""
    paragraphs = (HERE / "text.txt").read_text().split("\n\n") + TEXTS
    words = [f" {word}" for paragraph in paragraphs for word in paragraph.split(" ")]
    return paragraphs, words


def write_byte_vocabularies():
    paragraphs, words = corpus()
    merges = vocabulary.train(map(vocabulary.in_bytes, paragraphs + words), MERGES, least=3,
                              reserved=[*SPECIALS, *DEFINED, *UNMERGED])
    for pre in PRE_TOKENIZERS:
        with vocabulary_file(pre) as writer:
            vocabulary.write_bytes(writer, pre, merges, SPECIALS, UNMERGED, DEFINED)
        yield pre


def write_piece_vocabularies():
    _, words = corpus()
    words = [vocabulary.in_characters(word) for word in words]
    seen = Counter(letter for word in words for letter in word)
    letters = sorted(letter for letter, times in seen.items() if times >= 3)
    known = [tuple(letter for letter in word if letter in letters) for word in words]
    merges = vocabulary.train(known, MERGES, least=3, reserved=[*PIECE_SPECIALS, *PIECE_DEFINED])
    for name, space_prefix in (("pieces", False), ("pieces-space-prefix", True)):
        with vocabulary_file(name) as writer:
            vocabulary.write_pieces(writer, letters, merges, PIECE_SPECIALS, PIECE_DEFINED,
                                    space_prefix)
        yield name


@contextmanager
def vocabulary_file(name):
    """A GGUF file without weights."""
    writer = gguf.GGUFWriter(HERE / "vocabularies" / f"{name}.gguf", "llama")
    writer.add_name(f"vocabulary {name}")
    writer.add_context_length(512)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    yield writer
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tokenize_without_weights(folder, path, text, special):
    if not text:
        return []
    options = [] if special else ["--no-parse-special"]
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        printed = llama.run(folder, "llama-tokenize", "--model", path, "--ids", "--no-bos",
                            "--no-escape", "--log-disable", *options, "--file", file.name)
    return json.loads(printed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llama", required=True, type=Path)
    parser.add_argument("--model", action="append", default=[], metavar="ID=FILE")
    arguments = parser.parse_args()
    path = HERE / "tokens.json"
    recorded = {"texts": TEXTS, "models": {}, "special_texts": SPECIAL_TEXTS, "special_models": {}}
    (HERE / "vocabularies").mkdir(exist_ok=True)
    for vocabulary_name in (*write_byte_vocabularies(), *write_piece_vocabularies()):
        name = f"vocabularies/{vocabulary_name}"
        file = HERE / f"{name}.gguf"
        recorded["models"][name] = [
            tokenize_without_weights(arguments.llama, file, text, False) for text in TEXTS]
        recorded["special_models"][name] = [
            tokenize_without_weights(arguments.llama, file, text, True) for text in SPECIAL_TEXTS]
    for model in arguments.model:
        name, _, file = model.partition("=")
        with llama.Server(arguments.llama, file, 512) as server:
            recorded["models"][name] = [server.tokenize(text) for text in TEXTS]
            recorded["special_models"][name] = [
                server.tokenize(text, special=True) for text in SPECIAL_TEXTS]
    path.write_text(llama.lines(recorded, 3))
    for name, lists in recorded["models"].items():
        print(name, sum(map(len, lists)), "tokens of", len(TEXTS), "texts")


if __name__ == "__main__":
    main()
