"""Vocabularies small enough to train here, written the way GGUF files keep them.

Two kinds: byte-level BPE (`gpt2`), and SentencePiece's (`llama`), whose pieces have scores.
"""

from collections import Counter

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


def byte_letters():
    """The printable character that stands for each byte in a byte-level vocabulary."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {byte: chr(byte) for byte in plain}
    spare = (byte for byte in range(256) if byte not in letters)
    letters.update({byte: chr(256 + index) for index, byte in enumerate(spare)})
    return [letters[byte] for byte in range(256)]


def in_bytes(text):
    letters = byte_letters()
    return tuple(letters[byte] for byte in text.encode())


def in_characters(text):
    return tuple(text.replace(" ", "▁"))


def train(words, count, least=1, longest=12, reserved=()):
    """Learns up to `count` merges from words in letters: the most frequent pair first, then by
    spelling.

    Pairs seen fewer than `least` times, or longer than `longest` letters together, are left out,
    and so are those that would spell a `reserved` token.
    """
    words = Counter(words)
    merges = []
    known = {letter for word in words for letter in word} | set(reserved)
    while len(merges) < count:
        pairs = Counter()
        for word, times in words.items():
            for pair in zip(word, word[1:]):
                if pair[0] + pair[1] not in known and len(pair[0] + pair[1]) <= longest:
                    pairs[pair] += times
        best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)
        if best is None or pairs[best] < least:
            break
        merges.append(best)
        known.add("".join(best))
        joined = Counter()
        for word, times in words.items():
            joined[merge(word, best)] += times
        words = joined
    return merges


def merge(word, pair):
    result, index = [], 0
    while index < len(word):
        if word[index:index + 2] == pair:
            result.append(pair[0] + pair[1])
            index += 2
        else:
            result.append(word[index])
            index += 1
    return tuple(result)


def write_bytes(writer, pre, merges, specials, extra=(), defined=()):
    """Puts a byte-level vocabulary into a GGUF writer: bytes, merged tokens, `extra` ones, special
    ones. Gives the number of tokens.

    The first two special tokens are the beginning and the end. `extra` tokens come from no merge;
    `defined` ones, at the end, are found in any text.
    """
    words = byte_letters() + ["".join(pair) for pair in merges] + list(extra)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list([*words, *specials, *defined])
    writer.add_token_types([NORMAL] * len(words) + [CONTROL] * len(specials)
                           + [USER_DEFINED] * len(defined))
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_bos_token_id(len(words))
    writer.add_eos_token_id(len(words) + 1)
    writer.add_add_bos_token(False)
    return len(words) + len(specials) + len(defined)


def write_pieces(writer, letters, merges, specials, defined, space_prefix):
    """Puts a SentencePiece vocabulary into a GGUF writer.

    The unknown token, special ones (the first two are the beginning and the end), bytes, `defined`
    ones, pieces from the likeliest on, and single letters last.
    """
    pieces = ["".join(pair) for pair in merges] + list(letters)
    raw = [f"<0x{byte:02X}>" for byte in range(256)]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(["<unk>", *specials, *raw, *defined, *pieces])
    first = 1 + len(specials) + len(raw) + len(defined)
    writer.add_token_scores([0.0] * first + [-float(rank) for rank in range(len(pieces))])
    writer.add_token_types([UNKNOWN] + [CONTROL] * len(specials) + [BYTE] * len(raw)
                           + [USER_DEFINED] * len(defined) + [NORMAL] * len(pieces))
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(space_prefix)
